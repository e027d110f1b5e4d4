# Weights of 3 and 2 bits take as many in the file, and give the same integers on every instruction set.
. "$(dirname "$0")/common.sh"

size() { stat -c %s "$work/$1.bin"; }

for bits in 4 3 2; do
  "$VITCONVERT" convert --method percentile "$INTVIT_DEMO_DIR" -o "$work/$bits.bin" --calib "$INTVIT_DEMO_DIR/calib.txt" --wbits "$bits" >/dev/null
  "$VITRUN" "$work/$bits.bin" "$INTVIT_DEMO_DIR/examples" --isa scalar --digest >"$work/law"
  [ -s "$work/law" ] || fail "no digests"
  for isa in $(isas); do
    "$VITRUN" "$work/$bits.bin" "$INTVIT_DEMO_DIR/examples" --isa "$isa" --threads 3 --digest >"$work/digests"
    diff "$work/law" "$work/digests" || fail "$bits bits, $isa"
  done
done
# 831488 weights with padding, of which every bit less is an eighth of that in bytes; all else is the same.
[ $(($(size 4) - $(size 3))) -eq 103936 ] || fail "4 bits: $(size 4) bytes, 3 bits: $(size 3) bytes"
[ $(($(size 3) - $(size 2))) -eq 103936 ] || fail "3 bits: $(size 3) bytes, 2 bits: $(size 2) bytes"
"$VITCONVERT" inspect "$work/2.bin" >"$work/inspect.txt"
grep -q "op set 4" "$work/inspect.txt" || fail "a file with 2-bit weights asks for another op set than 4"
grep -q "2-bit weights" "$work/inspect.txt" || fail "inspect does not say that weights have 2 bits"

# A plan may mix them.
"$VITCONVERT" convert --method percentile "$INTVIT_DEMO_DIR" -o "$work/plan.bin" --calib "$INTVIT_DEMO_DIR/calib.txt" --wbits 3 \
  --write-plan "$work/plan.json" >/dev/null
sed -e '/"blocks.0.mlp.fc1"/,/}/ s/"bits": 3/"bits": 2/' "$work/plan.json" >"$work/mixed.json"
"$VITCONVERT" convert "$INTVIT_DEMO_DIR" -o "$work/mixed.bin" --calib "$INTVIT_DEMO_DIR/calib.txt" --plan "$work/mixed.json" \
  >/dev/null
"$VITCONVERT" inspect "$work/mixed.bin" >"$work/inspect.txt"
grep -q "blocks.0.mlp.fc1 .*2-bit weights" "$work/inspect.txt" || fail "the plan's 2 bits are not in the model"
grep -q "blocks.1.mlp.fc1 .*3-bit weights" "$work/inspect.txt" || fail "the plan's 3 bits are not in the model"
