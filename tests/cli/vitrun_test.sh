# Every option of vitrun does what its help says, on a model file of the repository.
. "$(dirname "$0")/common.sh"

model=$(dirname "$0")/../golden/models/demo_w8a8_opset2.bin
pictures=("$INTVIT_DEMO_DIR"/examples/*)
picture=${pictures[0]}
run() { expect_exit 0 "$VITRUN" "$model" "$@"; }
count() { grep -o "$1" "$work/out" | wc -l; }
expect() { [ "$1" = "$2" ] || fail "$3: expected '$2', got '$1'"; }

predictions() {
  run "$picture"
  expect "$(wc -l <"$work/out")" 6 "five classes and a name"
  expect "$(head -n 1 "$work/out")" "$picture" "the name"
  run "$picture" --topk 3
  expect "$(wc -l <"$work/out")" 4 "--topk 3"
  run "$picture" --topk 1000
  expect "$(wc -l <"$work/out")" "$((1 + $(wc -l <"$INTVIT_DEMO_DIR/labels.txt")))" "all classes"
  awk 'NR > 1 { if ($1 != NR - 1 || (NR > 2 && $2 > last)) exit 1; last = $2; sum += $2 }
       END { if (sum < 99.5 || sum > 100.5) exit 1 }' "$work/out" || fail "ranks or probabilities: $(cat "$work/out")"
  run "$picture" --json --topk 1000
  grep -o '"probability":[0-9.e-]*' "$work/out" | cut -d : -f 2 |
    awk '{ sum += $1 } END { if (sum < 0.999 || sum > 1.001) exit 1 }' || fail "probabilities in JSON: $(cat "$work/out")"
  run "${pictures[@]}" --json --topk 2
  expect "$(count '"predictions":\[{"class":')" "${#pictures[@]}" "pictures in JSON"
  expect "$(count '"class":')" "$((2 * ${#pictures[@]}))" "--topk 2 in JSON"
  grep -qF "{\"name\":\"$picture\",\"predictions\":" "$work/out" || fail "no name: $(cat "$work/out")"
  expect_exit 1 "$VITRUN" "$model" "$work/missing.png" "$picture" --json
  grep -qF "{\"name\":\"$work/missing.png\",\"error\":\"$work/missing.png" "$work/out" || fail "$(cat "$work/out")"
  expect "$(count '"predictions"')" 1 "the good picture in JSON"
}

labels() {
  seq -f 'other %g' 0 15 >"$work/labels"
  run "$picture" --topk 16 --labels "$work/labels"
  expect "$(grep -c '%  other [0-9]*$' "$work/out")" 16 "names of --labels"
  cp "$work/out" "$work/names"
  sed 's/$/\r/' "$work/labels" >"$work/crlf"
  run "$picture" --topk 16 --labels "$work/crlf"
  diff "$work/names" "$work/out" || fail "lines that end as on Windows"
  run "$picture" --topk 16 --labels "$work/labels" --json
  for class in 0 7 15; do
    grep -qF "\"class\":$class,\"label\":\"other $class\"" "$work/out" || fail "label of $class: $(cat "$work/out")"
  done
  run "$picture" --topk 16 --json
  grep -qF "\"class\":3,\"label\":\"$(sed -n 4p "$INTVIT_DEMO_DIR/labels.txt")\"" "$work/out" || fail "the model's labels"
  head -n 15 "$work/labels" >"$work/fewer"
  expect_error 2 "15 lines, but the model has 16" "$VITRUN" "$model" "$picture" --labels "$work/fewer"
  cat "$work/labels" "$work/fewer" >"$work/more"
  expect_error 2 "more than 16" "$VITRUN" "$model" "$picture" --labels "$work/more"
  expect_error 2 "cannot open the labels file" "$VITRUN" "$model" "$picture" --labels "$work/none"
}

digests() {
  run "${pictures[@]}" --digest
  expect "$(grep -cE '^[0-9a-f]{16}  /?.+$' "$work/out")" "${#pictures[@]}" "digests"
  expect "$(cut -c 1-16 "$work/out" | sort -u | wc -l)" "${#pictures[@]}" "different digests"
  expect "$(cut -c 19- "$work/out")" "$(printf '%s\n' "${pictures[@]}")" "names in order"
  for other in --json "--topk 3" "--labels $work/labels"; do
    # shellcheck disable=SC2086
    expect_error 2 "--digest" "$VITRUN" "$model" "$picture" --digest $other
  done
  expect_error 2 "--digest" "$VITRUN" "$model" --digest --eval "$work/list"
}

# shape ROWS: of the .npy file, whose header says it and whose size must agree.
shape() {
  grep -aqF "'shape': ($1, 16)" "$work/logits.npy" || fail "$(head -c 128 "$work/logits.npy")"
  expect "$(stat -c %s "$work/logits.npy")" "$((128 + $1 * 16 * 4))" "size of the logits"
}

logits() {
  run "${pictures[@]}" --logits "$work/logits.npy" --json --topk 16
  shape "${#pictures[@]}"
  # Of the last picture: its classes in order, as JSON has them.
  sed '$d' "$work/out" | tail -n 1 | grep -o '"class":[0-9]*\|"logit":[-0-9.e]*' | paste - - |
    sed 's/"[a-z]*"://g' | sort -n | cut -f 2 | awk '{ printf "%.3f\n", $1 }' >"$work/expected"
  tail -c 64 "$work/logits.npy" | od -An -v -t f4 -w4 | awk '{ printf "%.3f\n", $1 }' >"$work/got"
  diff "$work/expected" "$work/got" || fail "logits in the file and in JSON differ"
  expect_exit 1 "$VITRUN" "$model" "$work/missing.png" "$picture" --logits "$work/logits.npy"
  shape 1
  grep -qF "has 1 rows, for the pictures that ran; 1 missing" "$work/err" || fail "$(cat "$work/err")"
  expect_error 2 "cannot write the logits" "$VITRUN" "$model" "$picture" --logits "$work/none/logits.npy"
  expect_error 2 "it is a folder" "$VITRUN" "$model" "$picture" --logits "$work"
}

# One picture with the labels of its first, first, fifth and sixth class, so that two of four are right, and three
# within five.
accuracy() {
  run "$picture" --topk 6 --json
  mapfile -t classes < <(grep -o '"class":[0-9]*' "$work/out" | cut -d : -f 2)
  for rank in 0 0 4 5; do echo "$picture ${classes[rank]}"; done >"$work/list"
  run --eval "$work/list" --json --threads 3 --logits "$work/logits.npy"
  cp "$work/out" "$work/eval"
  shape 4
  for pair in count:4 failed:0 top1:50.0 top5:75.0 threads:3; do
    expect "$(json_number "$work/eval" "${pair%:*}")" "${pair#*:}" "${pair%:*}"
  done
  grep -qF "\"model\": \"$model\"" "$work/eval" || fail "no model: $(cat "$work/eval")"
  run --eval "$work/list" --threads 2 --isa scalar
  grep -q "^pictures  4$" "$work/out" && grep -q "^top-1     50.00 % (95 % interval " "$work/out" &&
    grep -q "^top-5     75.00 %$" "$work/out" && grep -q "(2 threads, scalar)$" "$work/out" || fail "$(cat "$work/out")"
  echo "$work/missing.png 0" >>"$work/list"
  expect_exit 1 "$VITRUN" "$model" --eval "$work/list" --json
  expect "$(json_number "$work/out" failed)" 1 "failed"
  expect "$(json_number "$work/out" count)" 4 "count"
  expect "$(json_number "$work/out" top1)" 50.0 "top1 without the failed picture"
  grep -qF "missing.png" "$work/err" || fail "the failed picture is not named"
  echo "$picture" >"$work/unlabelled"
  expect_error 2 "gives no label" "$VITRUN" "$model" --eval "$work/unlabelled"
  echo "$picture 16" >"$work/unlabelled"
  expect_error 2 "0..15" "$VITRUN" "$model" --eval "$work/unlabelled"
  for other in "$picture" "--topk 3" "--labels $work/labels"; do
    # shellcheck disable=SC2086
    expect_error 2 "--eval" "$VITRUN" "$model" --eval "$work/list" $other
  done
}

# ran ISA THREADS: what the session of the only picture had.
ran() { grep -qF "\"isa\":\"$1\",\"threads\":$2}" "$work/out" || fail "not $1 with $2 threads: $(cat "$work/out")"; }

sessions() {
  best=$(isas | tr ' ' '\n' | tail -n 1)
  for isa in $(isas); do
    run "$picture" --json --isa "$isa" --threads 2
    ran "$isa" 2
    run --eval "$work/one" --json --isa "$isa" --threads 4
    grep -qF "\"isa\": \"$isa\"" "$work/out" || fail "--eval with $isa: $(cat "$work/out")"
    expect "$(json_number "$work/out" threads)" 4 "threads of --eval"
    INTVIT_ISA=$isa run "$picture" --json --threads 1
    ran "$isa" 1
    INTVIT_ISA=$isa run "$picture" --json --threads 1 --isa scalar  # the option wins
    ran scalar 1
  done
  INTVIT_ISA='' run "$picture" --json --threads 3
  ran "$best" 3
  INTVIT_ISA=sse9 expect_error 2 "INTVIT_ISA='sse9'" "$VITRUN" "$model" "$picture"
  expect_error 2 "--threads" "$VITRUN" "$model" "$picture" --threads 0
  expect_error 2 "--threads" "$VITRUN" "$model" "$picture" --threads 1025
}

predictions
labels
accuracy
digests
logits
echo "$picture 0" >"$work/one"
sessions
expect_exit 0 "$VITRUN" --help
for option in --eval --topk --threads --isa --json --digest --logits --labels --version; do
  grep -q -- "$option" "$work/out" || fail "--help does not explain $option"
done
expect_error 2 "nothing to do" "$VITRUN" "$model"
: | expect_exit 0 "$VITRUN" "$model" - --json
expect "$(cat "$work/out")" "[]" "no picture on stdin"
echo "vitrun does what its help says"
