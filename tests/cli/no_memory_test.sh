# Memory that ends at any allocation of a tool is one line and exit code 3. INTVIT_FAULTS=full tries every site (of
# convert, every fortieth), which takes minutes; otherwise some are tried, each alone and with all that follow.
. "$(dirname "$0")/common.sh"

if [ "$(nm "$VITRUN_SHARED" | grep -cE '__asan_init|__tsan_init')" -gt 0 ]; then
  echo "SKIPPED: a sanitizer owns malloc"
  exit 77
fi
demo=$INTVIT_DEMO_DIR
model=$demo/../../tests/golden/models/demo_w3_w2_a8_opset4.bin
picture=$demo/../../tests/golden/pictures/baseline_420.jpg
cp "$demo/../../tests/golden/pictures/rgb_8.png" "$work/other.png"

# walk STRIDE NAME COMMAND...
walk() {
  local stride=$1
  shift
  if [ "${INTVIT_FAULTS:-}" = full ]; then stride=1; fi
  bash "$(dirname "$0")/../faults/walk_allocations.sh" "$stride" "$@"
}

walk 40 "vitrun, 1 thread" "$VITRUN_SHARED" "$model" "$picture" --threads 1
walk 100 "vitrun, 2 threads" "$VITRUN_SHARED" "$model" "$picture" "$work/other.png" "$picture" --threads 2 --json \
  --outputs outputs --logits logits.npy
walk 200 "vitbench" "$VITBENCH" "$model" --threads 1,2 --batch 2 --runs 1 --warmup 0
walk 300 "vitconvert inspect" "$VITCONVERT" inspect "$model"
if [ "${INTVIT_FAULTS:-}" = full ]; then  # each run takes a quarter of a second
  bash "$(dirname "$0")/../faults/walk_allocations.sh" 40 "vitconvert convert" "$VITCONVERT" convert "$demo" -o out.bin \
    --calib "$demo/calib.txt" --calib-count 2 --method percentile --threads 2
fi
