# `vitconvert compare` and `verify`: what differs between two models, and whether one is what it was.
. "$(dirname "$0")/common.sh"
demo=$INTVIT_DEMO_DIR
convert() { "$VITCONVERT" convert --method percentile "$demo" -o "$work/$1" --calib "$demo/calib.txt" --calib-count 4 --weights nearest "${@:2}" >/dev/null; }
convert a.bin
convert same.bin
convert b.bin --site '*.fc2=bits:4' --labels <(sed 's/bicycle/cycle/' "$demo/labels.txt")

expect_exit 0 "$VITCONVERT" compare "$work/a.bin" "$work/same.bin" "$demo/examples"
grep -q "45 of 45 steps are the same" "$work/out" || fail "a model beside itself: $(cat "$work/out")"
grep -q "top-1 agreement 100.00 %, logits SQNR 999.00 dB" "$work/out" || fail "its outputs: $(cat "$work/out")"
expect_exit 0 "$VITCONVERT" compare "$work/a.bin" "$work/b.bin"
[ "$(grep -c '^blocks.*fc2 .* 8  *4  *2[01]\.' "$work/out")" -eq 6 ] || fail "six layers differ: $(cat "$work/out")"
grep -q "39 of 45 steps are the same" "$work/out" && grep -q "^weight_bits  *8  *4-8" "$work/out" &&
  grep -q "^labels  *[0-9]* names (.*)  *[0-9]* names (" "$work/out" || fail "compare: $(cat "$work/out")"
expect_exit 0 "$VITCONVERT" compare "$work/a.bin" "$work/b.bin" "$demo/examples" --json
db=$(json_number "$work/out" logits)
at_least "$db" 20 && at_least 60 "$db" || fail "the outputs' SQNR is $db dB"
echo "no picture" >"$work/x.jpg"
expect_exit 1 "$VITCONVERT" compare "$work/a.bin" "$work/b.bin" "$work/x.jpg" "$demo/examples"

"$VITCONVERT" verify "$work/a.bin" --write "$work/manifest"
[ "$(grep -c '^constant [0-9a-f]\{16\} [0-9]* blocks.0.mlp.fc2' "$work/manifest")" -ge 4 ] || fail "manifest: $(cat "$work/manifest")"
"$VITCONVERT" verify "$work/a.bin" | cmp - "$work/manifest" || fail "the list is not the manifest"
expect_exit 0 "$VITCONVERT" verify "$work/same.bin" --against "$work/manifest"
expect_exit 5 "$VITCONVERT" verify "$work/b.bin" --against "$work/manifest"
grep -q "^constant 'blocks.0.mlp.fc2.weight' is another" "$work/out" || fail "the weights differ: $(cat "$work/out")"
grep -q "^metadata 'sites' is new" "$work/out" && ! grep -q "fc1.weight" "$work/out" || fail "differences: $(cat "$work/out")"
grep -v 'head.bias' "$work/manifest" | sed '$a constant 0123456789abcdef 4 gone' >"$work/other"
expect_exit 5 "$VITCONVERT" verify "$work/a.bin" --against "$work/other" --json
grep -q "constant 'head.bias' is new" "$work/out" && grep -q "constant 'gone' is missing" "$work/out" || fail "$(cat "$work/out")"
expect_error 2 "is no manifest" "$VITCONVERT" verify "$work/a.bin" --against "$work/a.bin"
expect_error 2 "cannot write the manifest" "$VITCONVERT" verify "$work/a.bin" --write "$work/no/manifest"
printf 'XXXX' | dd of="$work/same.bin" bs=1 seek=300000 conv=notrunc 2>/dev/null
expect_error 3 "is damaged" "$VITCONVERT" verify "$work/same.bin"

# --format, of which --json is an older name, in every command that prints results.
for command in "inspect $work/a.bin" "compare $work/a.bin $work/b.bin" "verify $work/a.bin"; do
  "$VITCONVERT" $command --json >"$work/flag.json"
  "$VITCONVERT" $command --format json | cmp - "$work/flag.json" || fail "$command: --format json is not --json"
  expect_error 2 "--format: 'csv' must be text or json" "$VITCONVERT" $command --format csv
  expect_error 2 "--format" "$VITCONVERT" $command --format json --json
done
for command in convert reference synth; do
  expect_error 2 "--format: 'xml' must be text or json" "$VITCONVERT" "$command" --format xml
done
for what in methods archs formats; do
  lines=$("$VITCONVERT" list "$what" --format jsonl | tee "$work/jsonl" | wc -l)
  [ "$lines" -ge 7 ] && [ "$(grep -c '^{".*}$' "$work/jsonl")" -eq "$lines" ] || fail "list $what: $(cat "$work/jsonl")"
  [ "$("$VITCONVERT" list "$what" --format csv | wc -l)" -eq $((lines + 1)) ] || fail "list $what as CSV"
  [ "$("$VITCONVERT" list "$what" --format markdown | grep -c '^| .* |$')" -eq $((lines + 1)) ] || fail "list $what as Markdown"
  [ "$("$VITCONVERT" list "$what" --format json | grep -c '^  {$')" -eq "$lines" ] || fail "list $what as JSON"
done
matches '^igq,".*groups=' "$VITCONVERT" list methods --format csv || fail "CSV has no knobs"
matches '^swin_tiny_patch4_window7_224,224,4,96,2 2 6 2,3 6 12 24,7$' "$VITCONVERT" list archs --format csv || fail "CSV of Swin"
echo "compare and verify work"
