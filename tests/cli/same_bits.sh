# The same integer logits on an instruction set as in the scalar law, for any number of threads, one by one or in bulk.
# Usage: same_bits.sh ISA; skipped (77) where this build or CPU has no such instruction set.
. "$(dirname "$0")/common.sh"
isa=$1
if ! grep -qw "$isa" <<<"$(isas)"; then
  echo "SKIPPED: $isa is not built or not on this CPU; available: $(isas)"
  exit 77
fi

"$VITCONVERT" convert --method percentile "$INTVIT_DEMO_DIR" -o "$work/8.bin" --calib "$INTVIT_DEMO_DIR/calib.txt" >/dev/null
"$VITCONVERT" convert --method percentile "$INTVIT_DEMO_DIR" -o "$work/4.bin" --calib "$INTVIT_DEMO_DIR/calib.txt" --wbits 4 >/dev/null
cp "$(dirname "$0")/../golden/models/demo_mixed_w4a4_opset2.bin" "$work/mixed.bin"  # every kind of encoding
for model in 8 4 mixed; do
  "$VITRUN" "$work/$model.bin" "$INTVIT_DEMO_DIR/examples" --isa scalar --threads 1 --digest >"$work/law"
  [ -s "$work/law" ] || fail "no digests"
  "$VITRUN" "$work/$model.bin" "$INTVIT_DEMO_DIR/examples" --isa scalar --threads 1 --json >"$work/json"
  [ "$(grep -cF '"isa":"scalar","threads":1}' "$work/json")" -eq "$(wc -l <"$work/law")" ] || fail "$(cat "$work/json")"
  for threads in 1 2 3 7; do
    for picture in "$INTVIT_DEMO_DIR"/examples/*; do
      "$VITRUN" "$work/$model.bin" "$picture" --isa "$isa" --threads "$threads" --digest
    done >"$work/single"
    "$VITRUN" "$work/$model.bin" "$INTVIT_DEMO_DIR/examples" --isa "$isa" --threads "$threads" --digest >"$work/bulk"
    diff "$work/law" "$work/single" || fail "$model, $isa, $threads threads, one by one"
    diff "$work/law" "$work/bulk" || fail "$model, $isa, $threads threads, in bulk"
    # Or all of this would compare an instruction set with itself.
    "$VITRUN" "$work/$model.bin" "$picture" --isa "$isa" --threads "$threads" --json >"$work/json"
    grep -qF "\"isa\":\"$isa\",\"threads\":$threads}" "$work/json" || fail "another session ran: $(cat "$work/json")"
  done
done
