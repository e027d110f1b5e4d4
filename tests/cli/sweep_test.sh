# vitconvert sweep on the demo model: a row per combination, results that are kept and reused, damage that is noticed,
# failures that stop nothing else.
. "$(dirname "$0")/common.sh"
demo=$INTVIT_DEMO_DIR
head -n 12 "$demo/test.txt" | sed "s#^#$demo/#" >"$work/eval.txt"
results=$work/results

# sweep EXIT OPTIONS...: 2 methods x 2 bits on few pictures, not timed.
bits=w8a8,w4a4 calibration_count=4 latency_runs=0
sweep() {
  local code=$1
  shift
  expect_exit "$code" "$VITCONVERT" sweep "$demo" --methods minmax,percentile --bits "$bits" --calib "$demo/calib.txt" \
    --calib-count "$calibration_count" --eval "$work/eval.txt" --latency-runs "$latency_runs" "$@"
}
count() { grep -c "$1" "$work/err" || true; }
# line METHOD BITS: that row of the CSV in $work/out.
line() { grep "^$1,$2," "$work/out"; }

sweep 0 -o "$results" --csv
[ "$(wc -l <"$work/out")" -eq 6 ] || fail "a header, float and four combinations: $(cat "$work/out")"
[ "$(count ': converting$')" -eq 4 ] || fail "four conversions: $(cat "$work/err")"
awk -F, 'NR > 2 && !($5 >= 0 && $5 <= 100 && $6 > 0 && $7 > 0.3 && $7 < 1) { exit 1 }' "$work/out" ||
  fail "figures: $(cat "$work/out")"
at_least "$(line minmax w8a8 | cut -d, -f6)" "$(line minmax w4a4 | cut -d, -f6)" || fail "8 bits are better than 4"
cp "$work/out" "$work/first"
"$VITCONVERT" reference "$demo" --eval "$work/eval.txt" --threads 1 --logits "$work/logits.npy" >/dev/null
cmp "$results/float_logits.npy" "$work/logits.npy" || fail "the float network has other logits"
[ "$("$VITRUN" "$results/minmax_w8a8.bin" --eval "$work/eval.txt" --json | json_number /dev/stdin top1)" = \
  "$(json_number "$results/minmax_w8a8.json" top1)" ] || fail "vitrun finds another top-1"

# Again: nothing is converted, and the table is the same.
sweep 0 -o "$results" --format csv
[ "$(count ': converting$')" -eq 0 ] && [ "$(count ': reused')" -eq 5 ] || fail "all should be reused: $(cat "$work/err")"
diff "$work/first" "$work/out" || fail "reused results differ"
sweep 0 -o "$results" --format jsonl
[ "$(grep -c '^{"method":".*"reused":true}$' "$work/out")" -eq 4 ] || fail "an object for each: $(cat "$work/out")"

# A damaged result, a damaged model, and a result of other settings are made anew; the other two are reused.
echo '{"key": ' >"$results/minmax_w8a8.json"
printf 'X' | dd of="$results/percentile_w4a4.bin" bs=1 seek=5000 conv=notrunc 2>/dev/null
sweep 0 -o "$results" --csv
[ "$(count ': converting$')" -eq 2 ] && [ "$(count ': reused')" -eq 3 ] || fail "two are damaged: $(cat "$work/err")"
grep -q "minmax_w8a8.json' is damaged" "$work/err" || fail "the damage is not mentioned"
diff "$work/first" "$work/out" || fail "results after damage differ"
# Another number of calibration pictures is another result; the float network stays.
bits=w8a8 calibration_count=3
sweep 0 -o "$results" --json
bits=w8a8,w4a4 calibration_count=4
[ "$(count ': converting$')" -eq 2 ] && [ "$(count 'float network: reused')" -eq 1 ] ||
  fail "other calibration pictures: $(cat "$work/err")"
[ "$(json_number "$work/out" weight_bits)" = 8 ] && grep -q '"reused": false' "$work/out" || fail "--json"

# How pictures are read: a result belongs to it, calibration and evaluation both keep to it, and notes say it once.
goldens=$(cd "$(dirname "$0")/../golden/pictures" && pwd)
held() {
  "$VITCONVERT" sweep "$demo" --methods minmax --bits w8a8 --calib "$work/held.txt" --eval "$work/held.txt" --latency-runs 0 \
    -o "$work/held" --csv "$@" >"$work/out" 2>"$work/err"
}
printf '%s 3\n' "$goldens/exif_6.jpg" "$goldens/exif_8.jpg" >"$work/held.txt"
held || fail "pictures with an orientation: $(cat "$work/err")"
[ "$(count 'has an EXIF orientation')" -ge 1 ] || fail "no note on the orientation: $(cat "$work/err")"
cp "$work/held/float_logits.npy" "$work/as_it_is.npy"
cp "$work/held/minmax_w8a8.bin" "$work/as_it_is.bin"
held --exif-rotate || fail "--exif-rotate: $(cat "$work/err")"
[ "$(count ': reused')" -eq 0 ] && [ "$(count 'has an EXIF orientation')" -eq 0 ] || fail "turned: $(cat "$work/err")"
! cmp -s "$work/held/float_logits.npy" "$work/as_it_is.npy" || fail "--exif-rotate does not turn pictures for the float network"
! cmp -s "$work/held/minmax_w8a8.bin" "$work/as_it_is.bin" || fail "--exif-rotate does not turn calibration pictures"
at_least "$(json_number "$work/held/minmax_w8a8.json" logit_sqnr_db)" 20 || fail "integers see other pictures than floats"
! held --limits pixels=10 || fail "pictures beyond a limit were read"
grep -qF "the limit 'pixels' is 10" "$work/err" || fail "limits: $(cat "$work/err")"

# A combination that fails is a row, the others are there, and the exit code says so.
rm -r "$results"
mkdir -p "$results/minmax_w4a4.bin"
latency_runs=2
sweep 1 -o "$results" --markdown
grep -q '^| minmax | w4a4 |.*failed: ' "$work/out" || fail "the failure is no row: $(cat "$work/out")"
[ "$(grep -c '^| .* | w[48]a[48] | [0-9.]* | .* | [0-9.]* |  |$' "$work/out")" -eq 3 ] ||
  fail "the others should have run, with a latency: $(cat "$work/out")"

# Mistakes are found before anything is computed.
for wrong in w7a8 w4a2 w1a8 w4 4,8 w4a8,w4a8 w4a8, W4A8 w4a88; do
  expect_error 2 "--bits" "$VITCONVERT" sweep "$demo" --bits "$wrong" --calib "$demo/calib.txt" --eval "$work/eval.txt"
done
expect_error 2 "unknown" "$VITCONVERT" sweep "$demo" --methods magic --calib "$demo/calib.txt" --eval "$work/eval.txt"
expect_error 2 "igq.groups" "$VITCONVERT" sweep "$demo" --set igq.groups=4 --calib "$demo/calib.txt" --eval "$work/eval.txt"
expect_error 2 "no label" "$VITCONVERT" sweep "$demo" --calib "$demo/calib.txt" --eval "$demo/examples"
expect_error 3 "nowhere" "$VITCONVERT" sweep "$work/nowhere" --calib "$demo/calib.txt" --eval "$work/eval.txt"
echo "sweep: $(head -n 2 "$work/first" | tail -n 1)"

# Sensitivity of a conversion, as inspect shows it.
"$VITCONVERT" convert --method percentile "$demo" -o "$work/s.bin" --calib "$demo/calib.txt" --calib-count 2 --weights nearest --sensitivity \
  --sensitivity-pictures 2 --report "$work/report.html" >/dev/null
"$VITCONVERT" inspect "$work/s.bin" >"$work/inspect"
grep -q '^blocks.5.mlp.fc2.input  *[0-9.]*  *[0-9.]*$' "$work/inspect" || fail "inspect shows no sensitivity"
sed -n '/^quantizer/,/^weights of/p' "$work/inspect" | grep '^blocks\|^head' | awk '{ print $2 }' >"$work/ranking"
[ "$(wc -l <"$work/ranking")" -eq 49 ] && sort -gc "$work/ranking" || fail "the ranking is not worst first"
"$VITCONVERT" inspect "$work/s.bin" --json >"$work/inspect.json"
grep -q '"accumulated_db": [0-9]' "$work/inspect.json" || fail "inspect --json has no numbers"
grep -q "alone at the output, dB" "$work/report.html" || fail "the report shows no sensitivity"
