# What `vitconvert convert` and `plan` have beside methods and bits: rules for sites, plans to edit, dry runs.
. "$(dirname "$0")/common.sh"
demo=$INTVIT_DEMO_DIR
few=(--calib "$demo/calib.txt" --calib-count 4 --wbits 4 --abits 4)
plain=("${few[@]}" --method percentile)

# A plan without a model, which converts to the same integers.
"$VITCONVERT" plan "$demo" "${plain[@]}" -o "$work/plan.json"
"$VITCONVERT" plan "$demo" "${plain[@]}" | cmp - "$work/plan.json" || fail "a plan on stdout is another one"
"$VITCONVERT" convert "$demo" "${plain[@]}" -o "$work/a.bin" --write-plan "$work/used.json" >/dev/null
cmp "$work/plan.json" "$work/used.json" || fail "convert uses another plan than plan prints"
expect_error 2 "cannot write the plan" "$VITCONVERT" plan "$demo" "${plain[@]}" -o "$work/no/plan.json"

# Rules for sites.
expect_exit 0 "$VITCONVERT" convert "$demo" "${plain[@]}" -o "$work/b.bin" --site 'blocks.*.mlp.fc2=bits:8' --site '*.fc2.input=bits:8'
"$VITCONVERT" inspect "$work/b.bin" >"$work/inspect"
grep -q 'activation_bits  *4-8' "$work/inspect" && grep -q 'weight_bits  *4-8' "$work/inspect" || fail "--site changed nothing"
grep -qF 'blocks.*.mlp.fc2=bits:8, *.fc2.input=bits:8' "$work/inspect" || fail "the rules are not recorded"
expect_error 2 "did you mean 'blocks.0.mlp.fc1.input'" "$VITCONVERT" convert "$demo" "${plain[@]}" -o "$work/x.bin" \
  --site 'blocks.*.mlp.fc3.input=bits:8'
expect_error 2 "names no knob" "$VITCONVERT" convert "$demo" "${plain[@]}" -o "$work/x.bin" --site '*=aside:3'
expect_error 2 "goes with neither" "$VITCONVERT" convert "$demo" "${plain[@]}" -o "$work/x.bin" --site '*=bits:8' --plan "$work/plan.json"

# Dry runs write nothing, read no picture, and know the file's size.
echo "missing.png" >"$work/missing.txt"
expect_exit 0 "$VITCONVERT" convert "$demo" -o "$work/x.bin" --calib "$work/missing.txt" --wbits 4 --abits 4 --method percentile --dry-run --json
near "$(json_number "$work/out" bytes)" "$(stat -c %s "$work/a.bin")" 2000 || fail "size of a dry run: $(cat "$work/out")"
expect_exit 0 "$VITCONVERT" convert "$demo" -o "$work/x.bin" --calib "$work/missing.txt" --method percentile --dry-run
grep -q "KiB a picture" "$work/out" || fail "dry run: $(cat "$work/out")"
[ ! -e "$work/x.bin" ] || fail "something was written"

# Where a model comes from, and what its values take.
"$VITCONVERT" inspect "$work/a.bin" >"$work/inspect"
for fact in 'source  *demo$' 'checkpoint_checksum  *[0-9a-f]\{16\}$' 'preprocessing  *bicubic resize, crop_pct 0.9, ' \
  'classes  *16, 16 with names' 'effective_activation_bits  *4.000'; do
  grep -q "$fact" "$work/inspect" || fail "inspect has no '$fact': $(cat "$work/inspect")"
done
expect_exit 0 "$VITCONVERT" convert "$demo" "${few[@]}" -o "$work/aside.bin" --method adfq --weights nearest --json
bits=$(json_number "$work/out" effective_activation_bits)
at_least "$bits" 4.0001 && at_least 4.5 "$bits" || fail "values aside take $bits bits"

# The check: on pictures that took no part, where there are any; a poor model is told so, or refused without loss.
expect_exit 0 "$VITCONVERT" convert "$demo" "${plain[@]}" -o "$work/a.bin" --json
grep -q '"unseen": true' "$work/out" && [ "$(json_number "$work/out" pictures)" = 32 ] || fail "unseen: $(cat "$work/out")"
head -n 4 "$demo/calib.txt" | sed "s#^#$demo/#" >"$work/four.txt"
expect_exit 0 "$VITCONVERT" convert "$demo" --calib "$work/four.txt" -o "$work/four.bin" --wbits 4 --abits 4 --method percentile
grep -q "on 4 calibration pictures" "$work/out" || fail "which pictures: $(cat "$work/out")"
cmp <("$VITRUN" "$work/a.bin" --digest "$demo"/examples/*) <("$VITRUN" "$work/four.bin" --digest "$demo"/examples/*) ||
  fail "pictures of the check changed the model"
cp "$work/a.bin" "$work/kept.bin"
poor=(--calib "$demo/calib.txt" --calib-count 4 --wbits 2 --abits 3 --weights nearest --method percentile)
expect_exit 5 "$VITCONVERT" convert "$demo" "${poor[@]}" -o "$work/a.bin" --min-agree 99
grep -q "below --min-agree 99.0" "$work/err" && [ -s "$work/a.bin.rejected" ] || fail "--min-agree: $(cat "$work/err")"
cmp "$work/a.bin" "$work/kept.bin" || fail "--min-agree: the earlier model is lost"
expect_exit 0 "$VITCONVERT" convert "$demo" "${poor[@]}" -o "$work/poor.bin"
grep -q "warning: the model is far from float" "$work/err" || fail "no warning of a poor model"
expect_error 2 "--min-agree" "$VITCONVERT" convert "$demo" "${poor[@]}" -o "$work/x.bin" --min-agree nan

# Bits that are raised until accuracy holds. 64 pictures: one is 1.56 points.
head -n 64 "$demo/test_1024.txt" | sed "s#^#$demo/#" >"$work/eval.txt"
expect_exit 0 "$VITCONVERT" convert "$demo" "${poor[@]}" -o "$work/drop.bin" --max-drop 2 --eval "$work/eval.txt" \
  --max-mb 0.6 --max-ms 10000
"$VITCONVERT" inspect "$work/drop.bin" >"$work/inspect"
at_least 2 "$(awk '$1 == "top1_drop" { print $2 }' "$work/inspect")" || fail "the drop: $(cat "$work/inspect")"
grep -q 'max_ms  *10000' "$work/inspect" && grep -q 'max_mb  *0.6' "$work/inspect" && grep -q "at most 10000" "$work/out" ||
  fail "the budget: $(cat "$work/inspect")"
grep -q 'method  *percentile' "$work/inspect" || fail "method: $(cat "$work/inspect")"
size=$(stat -c %s "$work/drop.bin")
[ "$size" -gt "$(stat -c %s "$work/poor.bin")" ] && [ "$size" -lt 850000 ] || fail "all or nothing was raised: $size bytes"
float=$("$VITCONVERT" reference "$demo" --eval "$work/eval.txt" --json | json_number /dev/stdin top1)
top1=$("$VITRUN" "$work/drop.bin" --eval "$work/eval.txt" --json | json_number /dev/stdin top1)
at_least "$top1" "$(awk -v f="$float" 'BEGIN { print f - 2 }')" || fail "top-1 is $top1 %, float's $float %"
# What is within the budget and what is not, on few pictures.
head -n 16 "$work/eval.txt" >"$work/few.txt"
head -n 1 "$work/four.txt" >"$work/one.txt"
within() { expect_exit "$1" "$VITCONVERT" convert "$demo" --calib "$work/one.txt" --wbits 2 --abits 3 --weights nearest \
  --method percentile -o "$work/within.bin" --max-drop 2 --eval "$work/few.txt" "${@:2}"; }
within 5 --max-mb 0.25
grep -q "no quantizer raised the file has 0.29[0-9] MB already, more than --max-mb 0.250" "$work/err" || fail "$(cat "$work/err")"
within 5 --max-mb 0.45 --max-ms 0.000001
grep -q "more than --max-mb 0.450: activations come first" "$work/err" &&
  grep -q "max-drop 2.00 takes 0.3[0-9]* MB and .* ms, more than --max-mb 0.450 and --max-ms 0.000" "$work/err" ||
  fail "beyond the budget: $(cat "$work/err")"
[ ! -e "$work/within.bin" ] || fail "a model beyond the budget was written"
expect_error 2 "requires --eval" "$VITCONVERT" convert "$demo" "${poor[@]}" -o "$work/x.bin" --max-drop 1
expect_error 2 "does not go with --plan" "$VITCONVERT" convert "$demo" "${poor[@]}" -o "$work/x.bin" --max-drop 1 \
  --eval "$work/eval.txt" --plan "$work/plan.json"

# Pictures and folders that cannot be read are named and left out, unless asked otherwise.
mkdir -p "$work/pictures/locked"
cp "$demo"/examples/* "$work/pictures"
good=$(find "$work/pictures" -type f | wc -l)
echo "no picture" >"$work/pictures/a.jpg"
expect_exit 1 "$VITCONVERT" convert "$demo" -o "$work/c.bin" --calib "$work/pictures" --json
grep -q "a.jpg.*left out" "$work/err" && grep -q "1 of $((good + 1)) pictures" "$work/err" || fail "left out: $(cat "$work/err")"
[ "$(json_number "$work/out" pictures)" = "$good" ] || fail "pictures: $(cat "$work/out")"
expect_error 3 "a.jpg" "$VITCONVERT" convert "$demo" -o "$work/x.bin" --calib "$work/pictures" --strict
rm "$work/pictures/a.jpg"
chmod 0 "$work/pictures/locked"
if ! ls "$work/pictures/locked" >/dev/null 2>&1; then  # not as root
  expect_exit 1 "$VITCONVERT" convert "$demo" -o "$work/c.bin" --calib "$work/pictures"
  grep -q "locked' cannot be listed" "$work/err" || fail "locked: $(cat "$work/err")"
  expect_error 3 "cannot list" "$VITCONVERT" convert "$demo" -o "$work/x.bin" --calib "$work/pictures" --strict
fi

# Both kinds of training, each by its own settings; the file and the text say what there was.
trained() { "$VITCONVERT" convert "$demo" -o "$work/trained.bin" --calib "$demo/calib.txt" --calib-count 4 --method minmax \
  --wbits 4 --abits 4 "$@" >"$work/out"; }
expect_error 2 "which a plan does not have" "$VITCONVERT" plan "$demo" --calib "$demo/calib.txt" --optimise network
trained --optimise modules,network --optimise-set modules.iterations=1 --optimise-set network.iterations=1
grep -q "optimised as a whole: [0-9.]* dB better" "$work/out" || fail "--optimise: $(cat "$work/out")"
matches "^ *optimise +modules,network$" "$VITCONVERT" inspect "$work/trained.bin" || fail "inspect does not say what was trained"
trained --optimise network --optimise-set scale_rate=0 --optimise-set bias_rate=0 --optimise-set level_rate=0 \
  --optimise-set iterations=1
grep -q "0.00 dB better.*so the model is as it was" "$work/out" || fail "without rates: $(cat "$work/out")"
expect_error 2 "may be of both" "$VITCONVERT" convert "$demo" -o "$work/x.bin" --calib "$demo/calib.txt" \
  --optimise modules,network --optimise-set iterations=1

# A training that is killed goes on from its file, ends with the same bytes, and leaves no file.
training=("$VITCONVERT" convert "$demo" --calib "$demo/calib.txt" --calib-count 4 --method minmax --wbits 4 --abits 4
  --optimise modules --optimise-set iterations=2 --optimise-set batch=2)
"${training[@]}" -o "$work/whole.bin" >"$work/out"
training+=(-o "$work/part.bin" --optimise-resume "$work/state")
"${training[@]}" >"$work/out" & interrupted=$!
while kill -0 "$interrupted" 2>"$work/none" && ! [ -s "$work/state" ]; do sleep 0.01; done
kill -9 "$interrupted" 2>"$work/none" || true
wait "$interrupted" 2>"$work/none" || true
if [ -s "$work/state" ]; then
  expect_error 2 "is of another method, plan or number; remove it" "${training[@]}" --optimise-set float_share=1
fi
"${training[@]}" >"$work/out"
cmp "$work/whole.bin" "$work/part.bin" || fail "a training that was interrupted gives another model"
! [ -e "$work/state" ] || fail "the state of a training that is done is left"
cp "$work/whole.bin" "$work/state"
expect_error 3 "no state of --optimise" "${training[@]}"
expect_error 2 "is for --optimise" "$VITCONVERT" convert "$demo" -o "$work/x.bin" --calib "$demo/calib.txt" \
  --optimise-resume "$work/state"

# Calibration that is kept: the same bytes, and a note; other pictures, another way to read them or other outputs make it
# anew.
cached() { expect_exit 0 "$VITCONVERT" convert "$demo" -o "$work/$1.bin" --calib "$demo/calib.txt" --method repq --abits 4 \
  --weights nearest --calib-count "${@:2}"; }
cached plain 3
for note in "" "is that of the cache"; do
  cached kept 3 --calib-cache "$work/cache"
  [ "$(grep -c 'calibration' "$work/err" || true)" -eq "$(printf %s "$note" | grep -c .)" ] && grep -qF -- "$note" "$work/err" ||
    fail "calibration cache: $(cat "$work/err")"
  cmp "$work/plain.bin" "$work/kept.bin" || fail "a kept calibration gives another model"
done
for change in "calibration pictures:2" "way to read:2 --exif-rotate" "choice of outputs:2 --ports logits,embedding"; do
  cached kept ${change#*:} --calib-cache "$work/cache"
  grep -q "is of another.*${change%%:*}.*made anew" "$work/err" || fail "$change: $(cat "$work/err")"
done
expect_error 3 "is no calibration cache" "$VITCONVERT" convert "$demo" -o "$work/x.bin" --calib "$demo/calib.txt" \
  --calib-count 2 --calib-cache "$work/plain.bin"
expect_error 2 "cannot write the calibration cache" "$VITCONVERT" plan "$demo" --calib "$demo/calib.txt" \
  --calib-cache "$work/no/cache"
[ -z "$(ls "$work" | grep '^x\.bin' || true)" ] || fail "a failed conversion left a file behind"
# A checkpoint of zeros has no magnitudes, and converts all the same.
bash "$(dirname "$0")/../faults/tiny_checkpoint.sh" "$demo" "$work/zeros"
size=$(stat -c %s "$work/zeros/model.safetensors")
header=$((8 + $(od -An -t u4 -N 4 "$work/zeros/model.safetensors")))
truncate -s "$header" "$work/zeros/model.safetensors"
truncate -s "$size" "$work/zeros/model.safetensors"
for bits in 8 4; do
  expect_exit 0 "$VITCONVERT" convert "$work/zeros" -o "$work/zeros.bin" --calib "$demo/calib.txt" --calib-count 2 \
    --wbits $bits --abits $bits
  matches "20.00 %" "$VITRUN" "$work/zeros.bin" "$demo/examples/stop.jpg" >/dev/null || fail "zeros of $bits bits"
done
echo "convert's options work"
