# The main job on the shipped demo model: convert its float weights, classify, and lose almost nothing against float.
. "$(dirname "$0")/common.sh"

record=demo.json  # what docs/accuracy.md says
list=$INTVIT_DEMO_DIR/test_1024.txt
"$VITCONVERT" reference "$INTVIT_DEMO_DIR" --eval "$list" --json >"$work/float.json"
float_top1=$(json_number "$work/float.json" top1)
[ "$(json_number "$work/float.json" count)" = 1024 ] || fail "the test set has 1024 pictures"
near "$float_top1" "$(recorded $record '"method": null' top1)" 0.3 || fail "float top-1 is $float_top1 %"
for threads in 1 3; do
  "$VITCONVERT" reference "$INTVIT_DEMO_DIR" --eval "$INTVIT_DEMO_DIR/test.txt" --threads "$threads" \
    --logits "$work/float_$threads.npy" >/dev/null
done
cmp "$work/float_1.npy" "$work/float_3.npy" || fail "the float network's logits depend on the number of threads"

# check NAME OPTIONS ROW LARGEST_SIZE: ROW tells the record's line.
check() {
  local name=$1 options=$2 row=$3 size=$4 top1 sqnr
  # shellcheck disable=SC2086
  "$VITCONVERT" convert "$INTVIT_DEMO_DIR" -o "$work/$name.bin" --calib "$INTVIT_DEMO_DIR/calib.txt" $options --json \
    >"$work/convert.json"
  "$VITRUN" "$work/$name.bin" --eval "$list" --json >"$work/$name.json"
  top1=$(json_number "$work/$name.json" top1)
  sqnr=$(json_number "$work/convert.json" logit_sqnr_db)
  echo "$name: top-1 $top1 % (float $float_top1 %), SQNR $sqnr dB, $(stat -c %s "$work/$name.bin") bytes"
  near "$top1" "$(recorded $record "$row" top1)" 1 || fail "$name has another accuracy than the page"
  near "$sqnr" "$(recorded $record "$row" logit_sqnr_db)" "$(sqnr_tolerance)" || fail "$name has another SQNR than the page"
  at_least "$size" "$(stat -c %s "$work/$name.bin")" || fail "$name is too large"
}
bits() { echo "\"weight_bits\": $1, \"activation_bits\": 8, "; }
check w8a8 "--method percentile --wbits 8 --abits 8" "\"percentile\", $(bits 8)" 950000
check w8a8_minmax "--method minmax" "\"minmax\", $(bits 8)" 950000
check w4a8_nearest "--method percentile --wbits 4 --weights nearest" "$(bits 4)\"weights\": \"nearest\"" 600000
check w4a8 "--method percentile --wbits 4" "\"percentile\", $(bits 4)\"top1\"" 600000

# The same inputs give the same file, byte for byte, whatever the number of threads.
"$VITCONVERT" convert --method percentile "$INTVIT_DEMO_DIR" -o "$work/again.bin" --calib "$INTVIT_DEMO_DIR/calib.txt" --threads 1 >/dev/null
cmp "$work/w8a8.bin" "$work/again.bin" || fail "a second conversion gave another file"

# A plan that is written, and fed back unchanged, gives the same integers.
"$VITCONVERT" convert --method percentile "$INTVIT_DEMO_DIR" -o "$work/a.bin" --calib "$INTVIT_DEMO_DIR/calib.txt" \
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
