# Memory that ends at any allocation of a tool is one line and exit code 3. Some are tried, each
# alone and with all that follow; with INTVIT_FAULTS=full also one of twenty of all commands, which takes minutes.
. "$(dirname "$0")/common.sh"

if [ "$(nm "$VITRUN_SHARED" | grep -cE '__asan_init|__tsan_init')" -gt 0 ]; then
  echo "SKIPPED: a sanitizer owns malloc"
  exit 77
fi
demo=$INTVIT_DEMO_DIR
model=$demo/../../tests/golden/models/demo_w3_w2_a8_opset4.bin
picture=$demo/../../tests/golden/pictures/baseline_420.jpg
cp "$demo/../../tests/golden/pictures/rgb_8.png" "$work/other.png"

# walk SHARE NAME COMMAND...
walk() { bash "$(dirname "$0")/../faults/walk_allocations.sh" "$@"; }

walk 0/40 "vitrun, 1 thread" "$VITRUN_SHARED" "$model" "$picture" --threads 1
walk 0/100 "vitrun, 2 threads" "$VITRUN_SHARED" "$model" "$picture" "$work/other.png" "$picture" --threads 2 --json \
  --outputs outputs --logits logits.npy
INTVIT_FAULT_VARIES=1 walk 0/200 "vitbench" "$VITBENCH" "$model" --threads 1,2 --batch 2 --runs 1 --warmup 0
walk 0/300 "vitconvert inspect" "$VITCONVERT" inspect "$model"

# no_memory_in FUNCTION CODE COMMAND...: with no memory for the first allocation that the command makes through it.
no_memory_in() {
  expect_exit "$2" env LD_PRELOAD="$FAIL_ALLOCATIONS" INTVIT_FAULT_WITHIN="_ZNSt10filesystem7__cxx11$1" "${@:3}"
  [ "$(wc -l <"$work/err")" -eq 1 ] || fail "'$*' should print one line on stderr: $(cat "$work/err")"
  grep -q "cannot list the folder .*: Cannot allocate memory" "$work/err" || fail "'$*': $(cat "$work/err")"
}
begin=28recursive_directory_iteratorC1ERKNS0_4pathENS_17directory_optionsEPSt10error_code
next=28recursive_directory_iterator9incrementERSt10error_code
begin_classes=18directory_iteratorC1ERKNS0_4pathENS_17directory_optionsEPSt10error_code
mkdir -p "$work/photos/below"
cp "$work/other.png" "$work/photos/below"
for place in "$begin" "$next"; do
  no_memory_in "$place" 1 "$VITRUN_SHARED" "$model" "$work/photos"
  no_memory_in "$place" 3 "$VITRUN_SHARED" "$model" "$work/photos" --stats
  no_memory_in "$place" 3 "$VITCONVERT" plan "$demo" --calib "$work/photos"
done
no_memory_in "$begin_classes" 3 "$VITRUN_SHARED" "$model" --eval "$work/photos"

if [ "${INTVIT_FAULTS:-}" = full ]; then
  bash "$(dirname "$0")/../faults/walk_commands.sh" 0/20 "$work/inputs"
fi
