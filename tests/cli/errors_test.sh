# Users meet errors, not crashes: one clear line each, and the documented exit code.
. "$(dirname "$0")/common.sh"

demo=$INTVIT_DEMO_DIR
picture=$(ls "$demo"/examples/* | head -n 1)
"$VITCONVERT" convert --method percentile "$demo" -o "$work/m.bin" --calib "$demo/calib.txt" >/dev/null

# Models.
expect_error 3 "nowhere.bin" "$VITRUN" "$work/nowhere.bin" "$picture"
head -c 100000 "$work/m.bin" >"$work/truncated.bin"
expect_error 3 "truncated.bin" "$VITRUN" "$work/truncated.bin" "$picture"
expect_error 3 "not an intvit model" "$VITRUN" "$picture" "$picture"
printf '%s 0\n' "$picture" >"$work/one.txt"
for at in 300000 500000; do  # weights, of which only the checksum knows, and what the program's checks refuse, too
  { head -c $at "$work/m.bin"; printf 'XXXX'; tail -c +$((at + 5)) "$work/m.bin"; } >"$work/damaged.bin"
  for inputs in "$picture --digest" "$demo/examples" "$picture $picture" "$work/nowhere.png" "--eval $work/one.txt"; do
    # shellcheck disable=SC2086
    expect_error 3 "damaged.bin': section 3 is damaged (its checksum is wrong)" "$VITRUN" "$work/damaged.bin" $inputs
  done
done
: >"$work/empty.bin"
expect_error 3 "empty" "$VITRUN" "$work/empty.bin" "$picture"
expect_error 3 "nowhere.bin" "$VITCONVERT" inspect "$work/nowhere.bin"

# Pictures: the others still run.
echo "this is no picture" >"$work/text.jpg"
expect_exit 1 "$VITRUN" "$work/m.bin" "$work/text.jpg" "$picture" "$work/missing.png" --digest
[ "$(wc -l <"$work/out")" -eq 1 ] || fail "the good picture should have been classified"
[ "$(wc -l <"$work/err")" -eq 2 ] || fail "both bad pictures should be reported: $(cat "$work/err")"
grep -q "text.jpg" "$work/err" && grep -q "missing.png" "$work/err" || fail "the bad pictures should be named"
printf '%s 0\n' "$picture" "$work/text.jpg" "$picture" "$work/missing.png" "$picture" >"$work/bad_eval.txt"
for threads in 1 2 5; do
  expect_exit 1 "$VITCONVERT" reference "$demo" --eval "$work/bad_eval.txt" --threads "$threads" --json
  [ "$(json_number "$work/out" count)" = 3 ] && [ "$(json_number "$work/out" failed)" = 2 ] ||
    fail "three of five pictures are good: $(cat "$work/out")"
  [ "$(grep -o 'text.jpg\|missing.png' "$work/err" | uniq | tr '\n' ' ')" = "text.jpg missing.png " ] ||
    fail "the bad pictures should be named, in order: $(cat "$work/err")"
done
printf '%s\n' "$picture" | expect_exit 0 "$VITRUN" "$work/m.bin" - --digest
[ "$(wc -l <"$work/out")" -eq 1 ] || fail "names on stdin"

# Options.
expect_error 2 "--topk" "$VITRUN" "$work/m.bin" "$picture" --topk 0
expect_error 2 "--thread" "$VITRUN" "$work/m.bin" "$picture" --threads none
expect_error 2 "did you mean '--threads'" "$VITRUN" "$work/m.bin" "$picture" --thraeds 2
expect_error 2 "vitrun" "$VITRUN"
expect_error 2 "sse9" "$VITRUN" "$work/m.bin" "$picture" --isa sse9
for isa in avx2 avxvnni avx512vnni amx; do  # those that this CPU lacks
  if grep -qw "$isa" <<<"$(isas)"; then continue; fi
  expect_error 4 "available here: scalar" "$VITRUN" "$work/m.bin" "$picture" --isa "$isa"
  INTVIT_ISA=$isa expect_error 4 "INTVIT_ISA" "$VITRUN" "$work/m.bin" "$picture"
done
expect_error 2 "unknown; choose one of" "$VITCONVERT" convert "$demo" -o "$work/x.bin" --calib "$demo/calib.txt" --method magic
expect_error 2 "--wbits" "$VITCONVERT" convert "$demo" -o "$work/x.bin" --calib "$demo/calib.txt" --wbits 7
expect_error 2 "only --method auto" "$VITCONVERT" convert --method percentile "$demo" -o "$work/x.bin" --calib "$demo/calib.txt" --calib-count 1 --max-mb 1
expect_error 2 "sse9" "$VITCONVERT" convert "$demo" -o "$work/x.bin" --calib "$demo/calib.txt" --method auto --max-ms 1 --isa sse9
expect_error 2 "--max-ms" "$VITCONVERT" convert "$demo" -o "$work/x.bin" --calib "$demo/calib.txt" --method auto --max-ms -3
expect_error 2 "did you mean" "$VITCONVERT" synth deit_tinny_patch16_224 -o "$work/x.bin"

for option in --logit-scale --logit-bias; do
  for value in nan inf; do
    expect_error 2 "$option" "$VITCONVERT" convert "$demo" -o "$work/x.bin" --calib "$demo/calib.txt" --classes c.npy $option=$value
  done
done
for option in --max-ms --max-mb; do
  expect_error 2 "$option" "$VITCONVERT" convert "$demo" -o "$work/x.bin" --calib "$demo/calib.txt" --method auto $option nan
done

# Commands.
expect_error 2 "unknown command 'inspct', did you mean 'inspect'?" "$VITCONVERT" inspct "$work/m.bin"
expect_error 2 "did you mean 'convert'" "$VITCONVERT" convrt "$demo" -o "$work/x.bin"
expect_error 2 "unknown command 'frobnicate'; try" "$VITCONVERT" frobnicate --help
for option in --seconds --tolerance; do
  expect_error 2 "$option" "$VITBENCH" "$work/m.bin" --compare "$work/old.json" $option nan
done
odd=$work/$(printf 'odd\377').bin  # a name that is not UTF-8
expect_exit 0 "$VITCONVERT" convert "$demo" -o "$odd" --calib "$demo/calib.txt" --calib-count 2 --weights nearest --json
[ -s "$odd" ] || fail "a name that is not UTF-8"

# Names of tensors: a few, or all.
mkdir "$work/deep"
cp "$demo/model.safetensors" "$work/deep"
sed 's/"depth": [0-9]*/"depth": 12/' "$demo/config.json" >"$work/deep/config.json"
expect_error 3 "--verbose names all" "$VITCONVERT" convert "$work/deep" -o "$work/x.bin" --calib "$demo/calib.txt"
expect_error 3 "blocks.11.mlp.fc2.bias" "$VITCONVERT" convert "$work/deep" -o "$work/x.bin" --calib "$demo/calib.txt" --verbose

# Conversions: nothing is left behind.
expect_error 3 "nowhere" "$VITCONVERT" convert "$work/nowhere" -o "$work/x.bin" --calib "$demo/calib.txt"
expect_error 3 "nowhere.txt" "$VITCONVERT" convert "$demo" -o "$work/x.bin" --calib "$work/nowhere.txt"
expect_error 2 "names only 64" "$VITCONVERT" convert "$demo" -o "$work/x.bin" --calib "$demo/calib.txt" --calib-count 65
echo "text.jpg 0" >"$work/bad.txt"
expect_error 3 "text.jpg" "$VITCONVERT" convert "$demo" -o "$work/x.bin" --calib "$work/bad.txt"
echo '{"method": 1}' >"$work/plan.json"
expect_error 2 "plan" "$VITCONVERT" convert "$demo" -o "$work/x.bin" --calib "$demo/calib.txt" --plan "$work/plan.json"
expect_error 2 "cannot write the model" "$VITCONVERT" convert "$demo" -o "$work/no/folder/x.bin" --calib "$demo/calib.txt"
mkdir "$work/broken"
cp "$demo/config.json" "$work/broken"
head -c 4000 "$demo/model.safetensors" >"$work/broken/model.safetensors"
expect_error 3 "model.safetensors" "$VITCONVERT" convert "$work/broken" -o "$work/x.bin" --calib "$demo/calib.txt"
[ -z "$(ls "$work" | grep '^x\.bin' || true)" ] || fail "a failed conversion left a file behind"
echo "all errors are as documented"
