# Classes that are told by embeddings: accuracy and probabilities against float, and what is refused. The encoder is the
# demo model without its head, and a class is told by the embedding of one of its pictures.
. "$(dirname "$0")/common.sh"

encoder=$work/encoder
mkdir "$encoder"
sed '/"num_classes"/s/16/0/; /"label_names"/,/\]/d; s/^  },$/  }/' "$INTVIT_DEMO_DIR/config.json" >"$encoder/config.json"
# Tensors of integers are no weights.
sed 's/\("head\.[a-z]*":{"dtype":"\)F16/\1I16/g' "$INTVIT_DEMO_DIR/model.safetensors" >"$encoder/model.safetensors"
mapfile -t told < <(head -n 16 "$INTVIT_DEMO_DIR/calib.txt" | sed "s|^|$INTVIT_DEMO_DIR/|; s/ [0-9]*$//")
"$VITCONVERT" reference "$encoder" "${told[@]}" --ports embedding --outputs "$work/told" >/dev/null
texts=$work/told/embedding.npy
scale=(--classes "$texts" --logit-scale 20)

# floats FILE.npy COLUMNS: its rows as text.
floats() { tail -c +129 "$1" | od -An -v -t f4 -w$((4 * $2)); }

# expected TEXTS EMBEDDINGS COLUMNS SCALE [BIAS]: of each embedding the probabilities of all classes, by cosines.
expected() {
  { floats "$1" "$3"; echo; floats "$2" "$3"; } | awk -v scale="$4" -v bias="${5:-none}" '
    NF == 0 { second = 1; next }
    { s = 0; for (i = 1; i <= NF; ++i) s += $i * $i; s = sqrt(s) }
    !second { ++n; for (i = 1; i <= NF; ++i) text[n, i] = $i / s; next }
    { sum = 0
      for (c = 1; c <= n; ++c) {
        p[c] = 0; for (i = 1; i <= NF; ++i) p[c] += text[c, i] * $i / s
        p[c] = bias == "none" ? exp(scale * (p[c] - 1)) : 1 / (1 + exp(-scale * p[c] - bias)); sum += p[c] }
      for (c = 1; c <= n; ++c) printf("%.6f%s", p[c] / (bias == "none" ? sum : 1), (c < n ? " " : "\n")) }'
}

# printed MODEL CLASSES PICTURE...: the same of vitrun --json.
printed() {
  local model=$1 classes=$2
  shift 2
  "$VITRUN" "$model" "$@" --json --topk "$classes" | grep '"predictions"' | while read -r line; do
    echo "$line" | grep -o '"class":[0-9]*,"label":[^,]*,"probability":[^,]*' |
      sed 's/"class":\([0-9]*\).*:/\1 /' | sort -n | awk '{ printf("%s%.6f", (NR > 1 ? " " : ""), $2) } END { print "" }'
  done
}

# close_to EXPECTED PRINTED TOLERANCE: files of probabilities.
close_to() {
  paste -d ' ' "$1" "$2" | awk -v tolerance="$3" '
    { for (i = 1; i <= NF / 2; ++i) { d = $i - $(i + NF / 2); if (d < 0) d = -d; if (d > worst) worst = d } }
    END { print "largest difference of a probability: " worst; exit !(NR > 0 && worst <= tolerance) }' ||
    fail "probabilities: $(cat "$1" "$2")"
}

# The scale is 20, so that a wrong length of the embedding moves every probability.
demo() {
  local bias float integers
  local pictures=("$INTVIT_DEMO_DIR"/examples/*)
  cp "$INTVIT_DEMO_DIR/labels.txt" "$work/labels.txt"
  "$VITCONVERT" reference "$encoder" "${scale[@]}" --eval "$INTVIT_DEMO_DIR/test.txt" --json >"$work/float.json"
  float=$(json_number "$work/float.json" top1)
  "$VITCONVERT" reference "$encoder" "${pictures[@]}" --ports embedding --outputs "$work/float" >/dev/null
  for bias in "" -15; do
    "$VITCONVERT" convert "$encoder" -o "$work/model.bin" --calib "$INTVIT_DEMO_DIR/calib.txt" --method auto \
      "${scale[@]}" ${bias:+--logit-bias "$bias"} --labels "$work/labels.txt" >"$work/out"
    "$VITRUN" "$work/model.bin" --eval "$INTVIT_DEMO_DIR/test.txt" --json >"$work/json"
    integers=$(json_number "$work/json" top1)
    echo "top-1 of classes told by one picture each: $integers %, in float $float %"
    at_least "$float" 50 && at_least "$integers" "$(awk -v f="$float" 'BEGIN { print f - 1 }')" || fail "top-1"
    # shellcheck disable=SC2086
    expected "$texts" "$work/float/embedding.npy" 96 20 $bias >"$work/expected"
    printed "$work/model.bin" 16 "${pictures[@]}" >"$work/printed"
    close_to "$work/expected" "$work/printed" 0.02
  done
  expect_exit 0 "$VITRUN" "$work/model.bin" "${pictures[0]}" --topk 2
  grep -qE "^ +1 +[0-9.]+ %  [a-z]" "$work/out" || fail "no labels: $(cat "$work/out")"
  expect_exit 0 "$VITRUN" "$work/model.bin" --query "${pictures[0]}" "${pictures[@]}"
  expect_exit 0 "$VITCONVERT" sweep "$encoder" "${scale[@]}" --calib "$INTVIT_DEMO_DIR/calib.txt" --calib-count 4 \
    --eval "$INTVIT_DEMO_DIR/test.txt" --latency-runs 0 --methods minmax --json
  at_least "$(json_number "$work/out" top1)" 50 || fail "sweep: $(cat "$work/out")"
}

refused() {
  local to=(-o "$work/none.bin" --calib "$INTVIT_DEMO_DIR/calib.txt")
  expect_error 2 "give --logit-scale" "$VITCONVERT" convert "$encoder" "${to[@]}" --classes "$texts"
  expect_error 2 "--logit-scale" "$VITCONVERT" convert "$encoder" "${to[@]}" --logit-scale 20
  expect_error 2 "--logit-scale" "$VITCONVERT" convert "$encoder" "${to[@]}" --classes "$texts" --logit-scale 0
  expect_error 2 "a head of its own with 16 classes" "$VITCONVERT" convert "$INTVIT_DEMO_DIR" "${to[@]}" "${scale[@]}"
  head -n 3 "$INTVIT_DEMO_DIR/labels.txt" >"$work/few.txt"
  expect_error 2 "has 3 lines, but the model has 16 classes" \
    "$VITCONVERT" convert "$encoder" "${to[@]}" "${scale[@]}" --labels "$work/few.txt"
  sed 's/<f4/<f8/' "$texts" >"$work/double.npy"
  expect_error 3 "float32 is needed" "$VITCONVERT" convert "$encoder" "${to[@]}" --classes "$work/double.npy"
  head -c 1000 "$texts" >"$work/cut.npy"
  expect_error 3 "as its header says" "$VITCONVERT" reference "$encoder" --classes "$work/cut.npy" --eval "$INTVIT_DEMO_DIR/test.txt"
  expect_error 3 "cannot open" "$VITCONVERT" convert "$encoder" "${to[@]}" --classes "$work/none.npy"
  "$VITCONVERT" reference "$INTVIT_DEMO_DIR" "${told[@]}" --outputs "$work/logits" >/dev/null
  expect_error 2 "has 96 values, but those of the classes have 16" \
    "$VITCONVERT" convert "$encoder" "${to[@]}" --classes "$work/logits/logits.npy"
  [ ! -e "$work/none.bin" ] || fail "a refused conversion left a file"
}

# dev NAME OUTPUT COLUMNS OPTION...: of networks whose embeddings another implementation computed, told by these.
dev() {
  local folder=$data/networks/dev/$1 truth=$data/networks/dev/$1/expected_$2.npy columns=$3 bias=${5:-}
  local pictures=("$data"/preprocess/src/{0,1,2,3}.png)
  "$VITCONVERT" convert "$folder" -o "$work/model.bin" --calib "$data/preprocess/src" --method auto \
    --classes "$truth" --logit-scale "$4" ${bias:+--logit-bias "$bias"} >"$work/out" 2>"$work/err"
  # shellcheck disable=SC2086
  expected "$truth" "$truth" "$columns" "$4" $bias >"$work/expected"
  printed "$work/model.bin" 4 "${pictures[@]}" >"$work/printed"
  echo "$1:"
  close_to "$work/expected" "$work/printed" 0.02
}

demo
refused
data=${INTVIT_SHARED_DATA:-}
if [ -n "$data" ] && [ -d "$data/networks/dev" ]; then
  dev clip_hf embedding 64 20
  dev clip_open_clip_quick embedding 48 20
  dev siglip_hf pooled 108 20 -19
else
  echo "skipped: networks with reference embeddings, since INTVIT_SHARED_DATA does not name a folder with networks/dev"
fi
echo "classes told by embeddings have float's accuracy and probabilities"
