# The shipped Swin: accuracies are those of docs/accuracy.md, and every instruction set gives the same bits.
. "$(dirname "$0")/common.sh"
swin=$INTVIT_DEMO_DIR/../swin_demo results=$work/results
"$VITCONVERT" sweep "$swin" --methods auto --bits w8a8,w4a4 --calib "$INTVIT_DEMO_DIR/calib.txt" \
  --eval "$INTVIT_DEMO_DIR/test_1024.txt" --latency-runs 0 -o "$results" --markdown 2>/dev/null

near "$(json_number "$results/auto_w8a8.json" float_top1)" "$(recorded swin_demo.json '"float": ' top1)" 0.3 ||
  fail "float top-1 is another one than in docs/figures/swin_demo.json"
# check BITS KEY TOLERANCE: a figure of auto beside the record's.
check() {
  local got wanted
  got=$(json_number "$results/auto_w$1a$1.json" "$2")
  wanted=$(recorded swin_demo.json "\"auto\", \"weight_bits\": $1, \"activation_bits\": $1," "$2")
  near "$got" "$wanted" "$3" || fail "auto, $1 bits: $2 is $got; docs/figures/swin_demo.json says $wanted"
}
for bits in 8 4; do
  check $bits top1 1
  check $bits logit_sqnr_db "$(sqnr_tolerance)"
done

for isa in $(isas); do
  "$VITRUN" "$results/auto_w4a4.bin" "$INTVIT_DEMO_DIR/examples" --isa "$isa" --digest >"$work/$isa"
  [ -s "$work/$isa" ] || fail "no digests"
  diff "$work/scalar" "$work/$isa" || fail "$isa gives other logits"
done
