# The tools on models that have other outputs than logits, and on one that has no logits.
. "$(dirname "$0")/common.sh"

"$WRITE_PORT_MODELS" "$work"
four=$work/four.bin
none=$work/none.bin
pictures=("$INTVIT_DEMO_DIR"/examples/*)
picture=${pictures[0]}
expect() { [ "$1" = "$2" ] || fail "$3: expected '$2', got '$1'"; }

text() {
  expect_exit 0 "$VITRUN" "$none" "$picture"
  expect "$(wc -l <"$work/out")" 4 "a name and three outputs"
  grep -qE '^   embedding \[16\], L2 norm [0-9.]+$' "$work/out" || fail "$(cat "$work/out")"
  grep -q '^   tokens \[17, 16\]$' "$work/out" && grep -q '^   features \[4, 4, 16\]$' "$work/out" || fail "$(cat "$work/out")"
  expect_exit 0 "$VITRUN" "$four" "$picture" --topk 2
  expect "$(grep -c ' %  class ' "$work/out")" 2 "classes"
  expect "$(wc -l <"$work/out")" 6 "a name, two classes and three outputs"
}

json() {
  expect_exit 0 "$VITRUN" "$none" "$picture" --json
  if grep -q predictions "$work/out"; then fail "predictions without logits"; fi
  grep -qE '"outputs":\{"embedding":\{"shape":\[16\],"l2_norm":[0-9.]+\},"tokens":\{"shape":\[17,16\]\},"features":\{"shape":\[4,4,16\]\}\}' \
    "$work/out" || fail "$(cat "$work/out")"
  expect_exit 0 "$VITRUN" "$four" "$picture" --json
  grep -q '"predictions":\[{"class":' "$work/out" && grep -q '"logits":{"shape":\[10\]}' "$work/out" || fail "$(cat "$work/out")"
}

# array NAME ROWS SHAPE NUMBERS: of the .npy file, whose header says it and whose size must agree.
array() {
  grep -aqF "'shape': ($2, $3)" "$work/dir/$1.npy" || fail "$1: $(head -c 128 "$work/dir/$1.npy")"
  expect "$(stat -c %s "$work/dir/$1.npy")" "$((128 + $2 * $4 * 4))" "size of $1"
}

arrays() {
  expect_exit 0 "$VITRUN" "$four" "${pictures[@]}" --outputs "$work/dir" --logits "$work/logits.npy"
  array logits "${#pictures[@]}" 10 10
  array embedding "${#pictures[@]}" 16 16
  array tokens "${#pictures[@]}" "17, 16" 272
  array features "${#pictures[@]}" "4, 4, 16" 256
  expect "$(find "$work/dir" -type f | wc -l)" 4 "files"
  cmp "$work/dir/logits.npy" "$work/logits.npy" || fail "--outputs and --logits differ"
  # Features are the tokens but for the first one.
  tail -c $((17 * 16 * 4)) "$work/dir/tokens.npy" | tail -c $((16 * 16 * 4)) >"$work/last"
  tail -c $((16 * 16 * 4)) "$work/dir/features.npy" | cmp - "$work/last" || fail "features are not rows of tokens"
  # The norm that is printed is that of the values in the file.
  expect_exit 0 "$VITRUN" "$none" "$picture" --outputs "$work/dir/"
  array embedding 1 16 16
  norm=$(tail -c 64 "$work/dir/embedding.npy" | od -An -v -t f4 -w4 | awk '{ s += $1 * $1 } END { printf "%.3f", sqrt(s) }')
  expect "$(sed -n 's/.*L2 norm //p' "$work/out" | awk '{ printf "%.3f", $1 }')" "$norm" "the norm"

  expect_exit 1 "$VITRUN" "$none" "$work/missing.png" "$picture" --outputs "$work/dir"
  array tokens 1 "17, 16" 272
  grep -qF "has 1 rows, for the pictures that ran; 1 missing" "$work/err" || fail "$(cat "$work/err")"
  expect_error 2 "it is no folder" "$VITRUN" "$four" "$picture" --outputs "$work/logits.npy"
  expect_error 2 "cannot write the outputs" "$VITRUN" "$four" "$picture" --outputs "$work/no/dir"
  [ ! -e "$work/no" ] || fail "a folder that was not asked for"
}

# Before the pictures run, so that nothing is written at all.
unwritable_arrays() {
  mkdir -p "$work/taken/features.npy"
  expect_error 2 "cannot write output 'features'" "$VITRUN" "$four" "$picture" --outputs "$work/taken"
  expect "$(find "$work/taken" -type f | wc -l)" 0 "files beside a folder that has an output's name"
  ln -s nowhere "$work/link"
  expect_error 2 "it is a link to a folder that does not exist" "$VITRUN" "$four" "$picture" --outputs "$work/link"
  for option in --outputs --logits --labels; do
    expect_error 2 "the name of a file is empty" "$VITRUN" "$four" "$picture" "$option" ''
  done
  expect_error 2 "the name of a file is empty" "$VITRUN" "$four" --eval ''
}

# What needs logits says so; digests do not, and cover all outputs.
without_logits() {
  echo "$picture 0" >"$work/list"
  seq 10 >"$work/labels"
  expect_error 2 "--eval needs logits" "$VITRUN" "$none" --eval "$work/list"
  expect_error 2 "--logits needs logits" "$VITRUN" "$none" "$picture" --logits "$work/none.npy"
  expect_error 2 "--labels needs logits" "$VITRUN" "$none" "$picture" --labels "$work/labels"
  expect_error 2 "--topk needs logits" "$VITRUN" "$none" "$picture" --topk 3
  for model in "$four" "$none"; do
    for isa in $(isas); do
      expect_exit 0 "$VITRUN" "$model" "${pictures[@]}" --digest --isa "$isa" --threads 2
      cut -c 1-16 "$work/out" >>"$work/digests.$(basename "$model")"
    done
    expect "$(sort -u "$work/digests.$(basename "$model")" | wc -l)" "${#pictures[@]}" "digests of $model"
  done
  ! cmp -s "$work"/digests.* || fail "digests do not depend on the logits"
}

# --ports and --layers of vitconvert are one word each; a checkpoint with labels may leave out the logits.
choice_of_outputs() {
  local convert=("$VITCONVERT" convert --method percentile -o "$work/some.bin" --calib "$INTVIT_DEMO_DIR/calib.txt" --calib-count 2
    --weights nearest)
  expect_exit 0 "${convert[@]}" --ports embedding --layers 0,5 "$INTVIT_DEMO_DIR"
  expect_exit 0 "$VITRUN" "$work/some.bin" "$picture"
  expect "$(wc -l <"$work/out")" 4 "a name and three outputs"
  expect_error 2 "--ports 'depth' must be logits, embedding, tokens or features" "${convert[@]}" "$INTVIT_DEMO_DIR" --ports depth
  expect_error 2 "has an empty entry" "${convert[@]}" "$INTVIT_DEMO_DIR" --ports logits,,tokens
  expect_error 2 "has an empty entry" "${convert[@]}" "$INTVIT_DEMO_DIR" --layers ''
  expect_error 2 "--layers 'x' must be a whole number" "${convert[@]}" "$INTVIT_DEMO_DIR" --layers 0,x
  expect_error 2 "no block 6; its blocks are 0 to 5" "${convert[@]}" "$INTVIT_DEMO_DIR" --layers 6
  expect_error 3 "--labels needs the logits" "${convert[@]}" "$INTVIT_DEMO_DIR" --ports tokens --labels "$INTVIT_DEMO_DIR/labels.txt"
}

# What cannot be written is said before the work: with no other picture than a missing one, it is the first complaint.
unwritable_results() {
  local demo=$INTVIT_DEMO_DIR
  expect_error 2 "cannot write the model to '$work'" "$VITCONVERT" convert "$demo" -o "$work" --calib "$work/missing"
  expect_error 2 "cannot write the report" "$VITCONVERT" convert "$demo" -o "$work/x.bin" --calib "$work/missing" --report "$work/no/x"
  expect_error 2 "cannot write the plan" "$VITCONVERT" convert "$demo" -o "$work/x.bin" --calib "$work/missing" --write-plan "$work"
  expect_error 2 "the name of a file is empty" "$VITCONVERT" convert "$demo" -o '' --calib "$demo/calib.txt"
  expect_error 2 "cannot write the model" "$VITCONVERT" synth deit_tiny_patch16_224 -o "$work/no/x.bin"
  expect_error 2 "cannot write the logits" "$VITCONVERT" reference "$demo" "$work/missing.png" --logits "$work/no/x.npy"
}

other_tools() {
  expect_exit 0 "$VITBENCH" "$none" "$four" --runs 3 --warmup 1 --isa all --threads 1,2 --json
  expect "$(grep -o '"logits_digest": *"[0-9a-f]*"' "$work/out" | sort -u | wc -l)" 2 "digests in vitbench"
  expect_exit 0 "$VITBENCH" "$none" --runs 2 --warmup 1 --isa scalar --threads 1
  expect_exit 0 "$VITCONVERT" inspect "$none"
  grep -qE '^  output embedding  *\[16\] u8, unit 0.046875, zero 128$' "$work/out" &&
    grep -q 'op set 3,' "$work/out" || fail "$(cat "$work/out")"
  expect_exit 0 "$VITCONVERT" inspect "$four" --json
  grep -q '"name": "features"' "$work/out" || fail "$(cat "$work/out")"
  # Names need not be UTF-8, which JSON is.
  cp "$four" "$work/"$'\xff.bin'
  expect_exit 0 "$VITCONVERT" inspect "$work/"$'\xff.bin' --json
}

# The demo model as an encoder: its checkpoint has a head and labels, which the outputs do not need.
encoder() {
  model=$work/encoder.bin
  convert=("$VITCONVERT" convert --method percentile "$INTVIT_DEMO_DIR" --calib "$INTVIT_DEMO_DIR/calib.txt" --calib-count 4 -o "$model")
  ports=(--ports embedding,features --layers 2)
  expect_exit 0 "${convert[@]}" "${ports[@]}"
  expect_exit 0 "$VITRUN" "$model" "${pictures[@]}" --outputs "$work/integers"
  expect_exit 0 "$VITCONVERT" reference "$INTVIT_DEMO_DIR" "${pictures[@]}" "${ports[@]}" --outputs "$work/float"
  for name in embedding features features.2; do
    expect "$(head -c 128 "$work/integers/$name.npy" | md5sum)" "$(head -c 128 "$work/float/$name.npy" | md5sum)" "header"
  done
  expect "$(ls "$work/integers" "$work/float" | grep -c npy)" 6 "files"
  expect_exit 0 "$VITCONVERT" inspect "$model"
  grep -qE '^  output_sqnr_db  *embedding [0-9.]+, features [0-9.]+, features.2 [0-9.]+$' "$work/out" || fail "$(cat "$work/out")"
  expect_error 3 "--labels needs the logits" "${convert[@]}" "${ports[@]}" --labels "$INTVIT_DEMO_DIR/labels.txt"
}

text
json
arrays
unwritable_arrays
without_logits
choice_of_outputs
unwritable_results
other_tools
encoder
echo "models of several outputs, and without logits, pass through all tools"
