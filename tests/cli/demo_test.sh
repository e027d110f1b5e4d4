# The main job on the shipped demo model: convert its float weights, classify, and lose almost nothing against float.
. "$(dirname "$0")/common.sh"

"$VITCONVERT" reference "$INTVIT_DEMO_DIR" --eval "$INTVIT_DEMO_DIR/test.txt" --json >"$work/float.json"
float_top1=$(json_number "$work/float.json" top1)
[ "$(json_number "$work/float.json" count)" = 256 ] || fail "the test set has 256 pictures"
at_least "$float_top1" 95 || fail "float top-1 is $float_top1 %"
for threads in 1 3; do
  "$VITCONVERT" reference "$INTVIT_DEMO_DIR" --eval "$INTVIT_DEMO_DIR/test.txt" --threads "$threads" \
    --logits "$work/float_$threads.npy" >/dev/null
done
cmp "$work/float_1.npy" "$work/float_3.npy" || fail "the float network's logits depend on the number of threads"

# check NAME OPTIONS... LARGEST_DROP LARGEST_SIZE
check() {
  local name=$1 options=$2 drop=$3 size=$4
  # shellcheck disable=SC2086
  "$VITCONVERT" convert "$INTVIT_DEMO_DIR" -o "$work/$name.bin" --calib "$INTVIT_DEMO_DIR/calib.txt" $options
  "$VITRUN" "$work/$name.bin" --eval "$INTVIT_DEMO_DIR/test.txt" --json >"$work/$name.json"
  local top1
  top1=$(json_number "$work/$name.json" top1)
  echo "$name: top-1 $top1 % (float $float_top1 %), $(stat -c %s "$work/$name.bin") bytes"
  at_least "$top1" "$(awk -v f="$float_top1" -v d="$drop" 'BEGIN { print f - d }')" || fail "$name loses too much"
  at_least "$size" "$(stat -c %s "$work/$name.bin")" || fail "$name is too large"
}
check w8a8 "--method percentile --wbits 8 --abits 8" 1.2 950000
check w8a8_minmax "--method minmax" 1.2 950000
check w4a8_nearest "--method percentile --wbits 4 --weights nearest" 6 600000
check w4a8 "--method percentile --wbits 4" 3 600000

# The same inputs give the same file, byte for byte, whatever the number of threads.
"$VITCONVERT" convert "$INTVIT_DEMO_DIR" -o "$work/again.bin" --calib "$INTVIT_DEMO_DIR/calib.txt" --threads 1 >/dev/null
cmp "$work/w8a8.bin" "$work/again.bin" || fail "a second conversion gave another file"

# A plan that is written, and fed back unchanged, gives the same integers.
"$VITCONVERT" convert "$INTVIT_DEMO_DIR" -o "$work/a.bin" --calib "$INTVIT_DEMO_DIR/calib.txt" \
  --write-plan "$work/plan.json" --report "$work/report.html" >/dev/null
"$VITCONVERT" convert "$INTVIT_DEMO_DIR" -o "$work/b.bin" --calib "$INTVIT_DEMO_DIR/calib.txt" \
  --plan "$work/plan.json" >/dev/null
pictures=("$INTVIT_DEMO_DIR"/examples/*)
diff <("$VITRUN" "$work/a.bin" --digest "${pictures[@]}") <("$VITRUN" "$work/b.bin" --digest "${pictures[@]}") ||
  fail "the plan did not survive being written and read"
grep -q "blocks.0.attn.qkv.input" "$work/report.html" || fail "the report names no quantizers"

# What a user sees: a name per picture, most probable first.
"$VITRUN" "$work/w8a8.bin" "${pictures[@]}" --topk 1
"$VITCONVERT" inspect "$work/w8a8.bin" >"$work/inspect.txt"
grep -q "blocks.5.mlp.fc2" "$work/inspect.txt" || fail "inspect lists no layers"
"$VITBENCH" "$work/w8a8.bin" --runs 3 --json >"$work/bench.json"
for key in model isa threads batch runs median_ms min_ms p90_ms peak_rss_mib; do
  grep -q "\"$key\"" "$work/bench.json" || fail "vitbench --json has no $key"
done
