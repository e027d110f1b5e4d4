# vitrun within scripts and services: names that come one by one, formats that are cut off, folders of classes.
. "$(dirname "$0")/common.sh"

model=$(dirname "$0")/../golden/models/demo_w8a8_opset2.bin
pictures=("$INTVIT_DEMO_DIR"/examples/*)
picture=${pictures[0]}
vitrun() { "$VITRUN" "$model" "$@"; }
run() { expect_exit 0 vitrun "$@"; }
expect() { [ "$1" = "$2" ] || fail "$3: expected '$2', got '$1'"; }

# A service writes a name, reads the answer, and only then writes the next.
one_by_one() {
  for format in jsonl csv; do
    coproc service { vitrun - --format $format --topk 1 2>/dev/null; }
    [ $format = jsonl ] || read -r -t 20 _ <&"${service[0]}"
    for name in "$picture" "$work/none.png" "${pictures[1]}"; do
      echo "$name" >&"${service[1]}"
      read -r -t 20 answer <&"${service[0]}" || fail "no answer to $name in $format"
      grep -qF "$name" <<<"$answer" || fail "the answer to $name is $answer"
    done
    pid=$service_PID
    eval "exec ${service[1]}>&-"
    if wait "$pid"; then fail "a picture is missing, so the exit code is 1"; fi
  done
}

names() {
  printf '%s\0' "${pictures[@]}" >"$work/names"
  run - --digest -0 <"$work/names"
  cp "$work/out" "$work/digests"
  expect "$(cut -c 19- "$work/out")" "$(printf '%s\n' "${pictures[@]}")" "names of --null"
  { printf '\xEF\xBB\xBF'; printf '%s\r\n' "${pictures[@]}"; } >"$work/windows"
  run - --digest <"$work/windows"
  cmp "$work/digests" "$work/out" || fail "names as Windows writes them"
  expect_error 2 "--null" vitrun - --digest <"$work/names"
  expect_error 2 "cannot read names from stdin" vitrun - --digest <"$work"
  { printf '\xEF\xBB\xBF'; printf 'other %s\r\n' {0..15}; } >"$work/labels"
  run "$picture" --topk 16 --labels "$work/labels"
  expect "$(grep -c '%  other [0-9]*$' "$work/out")" 16 "labels behind a byte order mark"
  expect_error 2 "exceeds 64 MiB" vitrun "$picture" --labels /dev/zero
  head -c 2000000 /dev/zero | tr '\0' x >"$work/long"
  expect_error 1 "at most 4095 bytes" vitrun - <"$work/long"
  [ "$(wc -c <"$work/err")" -lt 4000 ] || fail "a message of $(wc -c <"$work/err") bytes"
}

formats() {
  run "${pictures[@]}" --json --topk 2
  cp "$work/out" "$work/json"
  run "${pictures[@]}" --format json --topk 2
  cmp "$work/json" "$work/out" || fail "--json is --format json"
  run "${pictures[@]}" --format jsonl --topk 2
  sed -n 's/^  \({.*}\),\{0,1\}$/\1/p' "$work/json" | diff - "$work/out" || fail "lines of jsonl are the array's"
  expect_exit 1 vitrun "$picture" "$work/a \"b\",c.png" --format csv --topk 2
  expect "$(cut -d , -f 2- "$work/out" | sed -n 1p)" "rank,class,label,probability,logit,error" "columns"
  expect "$(wc -l <"$work/out")" 4 "rows of csv"
  grep -qF "\"$work/a \"\"b\"\",c.png\",,,,,,\"" "$work/out" || fail "quotes in csv: $(cat "$work/out")"
  expect_error 2 "must be text, csv, json or jsonl" vitrun "$picture" --format xml
  expect_error 2 "--format" vitrun "$picture" --json --format csv
  expect_error 2 "--digest" vitrun "$picture" --digest --format csv
}

# An array that is cut off is an array.
cut_off() {
  mkfifo "$work/fifo"
  "$VITRUN" "$model" - --format json <"$work/fifo" >"$work/cut" &
  pid=$!
  exec 8>"$work/fifo"
  printf '%s\n' "$picture" "$picture" >&8
  for _ in $(seq 200); do [ "$(wc -l <"$work/cut")" -ge 2 ] && break; sleep 0.05; done
  kill -TERM $pid
  code=0
  wait $pid || code=$?
  exec 8>&-
  expect $code 143 "the exit code of an interrupted program"
  expect "$(head -n 1 "$work/cut")$(tail -n 1 "$work/cut")" "[]" "an array that was cut off"
  expect "$(grep -c '^  {"name":.*}' "$work/cut")" 2 "what was done before"
}

# class_folders NAME...: two pictures in each.
class_folders() {
  rm -rf "$work/classes"
  for name in "$@"; do
    mkdir -p "$work/classes/$name/below"
    cp "$picture" "$work/classes/$name/b.${picture##*.}"
    cp "${pictures[1]}" "$work/classes/$name/below/a.${pictures[1]##*.}"
  done
}

evaluation() {
  run "$picture" "${pictures[1]}" --topk 1 --format csv
  mapfile -t labels < <(sed 1d "$work/out" | cut -d , -f 4)
  class_folders "${labels[@]}"
  mkdir "$work/classes/.hidden"
  run --eval "$work/classes" --format csv --confusion "$work/confusion.csv"
  expect "$(head -n 1 "$work/out")" "name,target,target_label,class,label,rank,error" "columns"
  expect "$(grep -c ",1,$" "$work/out")" 2 "right ones of four: $(cat "$work/out")"
  grep -q "^top-1     50.00 %" "$work/err" || fail "no summary beside csv: $(cat "$work/err")"
  expect "$(grep "^${labels[0]}," "$work/confusion.csv" | tr , '\n' | grep -c '^1$')" 2 "confusion of the first class"
  expect "$(wc -l <"$work/confusion.csv")" 17 "rows of the confusion"
  run --eval "$work/classes" --format jsonl --quiet
  expect "$(grep -c '"target":' "$work/out")" 4 "lines of pictures"
  expect "$(tail -n 1 "$work/out" | json_number /dev/stdin top1_hits)" 2 "the last line is the summary"
  class_folders "${labels[0]}" other
  expect_error 2 "'other' in" vitrun --eval "$work/classes"
  class_folders a b c
  expect_error 2 "has 3 class folders, but the model has 16 classes" vitrun --eval "$work/classes"
  # Names that say nothing stand in the order of the classes.
  class_folders {a..p}
  class=$(grep -nxF "${labels[0]}" "$INTVIT_DEMO_DIR/labels.txt" | cut -d : -f 1)
  run --eval "$work/classes" --format csv
  name=$(grep "b.${picture##*.}.*,1,$" "$work/out" | cut -d , -f 2)
  expect "$name" $((class - 1)) "the class of the picture by order"
  mkdir "$work/empty"
  expect_error 2 "no folder in the folder" vitrun --eval "$work/empty"
  echo "$work/none.png 0" >"$work/list"
  expect_exit 1 vitrun --eval "$work/list"
  expect "$(cat "$work/out")" "pictures  0 (1 failed)" "nothing is said of no picture"
}

# Frames are what files of the same pixels are, whatever they come from.
frames() {
  goldens=$(dirname "$0")/../golden/pictures
  ppm=$goldens/exif_6.jpg.turned.ppm
  read -r width height < <(sed -n 2p "$ppm")
  tail -c $((3 * width * height)) "$ppm" >"$work/frame"
  run "$ppm" --digest --dump-input "$work/seen.npy"
  digest=$(cut -c 1-16 "$work/out")
  cat "$work/frame" "$work/frame" | run - --input-format rgb24 --size "${width}x$height" --digest
  expect "$(cat "$work/out")" "$(printf '%s  -#0\n%s  -#1\n' "$digest" "$digest")" "two frames on stdin"
  head -c $((3 * width * height + 7)) <(cat "$work/frame" "$work/frame") >"$work/cut"
  expect_error 1 "cut#1: it ends after 7 of" vitrun "$work/cut" --input-format rgb24 --size "${width}x$height" --digest
  run "$work/frame" --input-format bgr24 --size "${width}x$height" --digest
  [ "$(cut -c 1-16 "$work/out")" != "$digest" ] || fail "bgr24 is not rgb24"
  printf 'P5\n3 4\n255\nabcdefghijkl' >"$work/grey.pgm"
  run "$work/grey.pgm" --digest
  digest_of_grey=$(cut -c 1-16 "$work/out")
  run <(printf abcdefghijkl) --input-format gray --size 3x4 --digest
  expect "$(cut -c 1-16 "$work/out")" "$digest_of_grey" "a grey frame"
  run "$work/seen.npy" --input-format npy --digest
  expect "$(cut -c 1-16 "$work/out")" "$digest" "what the network saw, once more"
  run "${pictures[@]}" --digest --dump-input "$work/seen.npy"
  cut -c 1-16 "$work/out" >"$work/digests"
  run "$work/seen.npy" --input-format npy --digest
  cut -c 1-16 "$work/out" | cmp - "$work/digests" || fail "what the network saw of several"
  sed 's/|u1/<f4/' "$work/seen.npy" >"$work/float.npy"
  expect_error 1 "its shape is [6, 64, 64, 3], but of <f4 this model takes [3, 64, 64]" vitrun "$work/float.npy" --input-format npy
  sed 's/|u1/<f8/' "$work/seen.npy" >"$work/double.npy"
  expect_error 1 "must be |u1 or <f4, not '<f8'" vitrun "$work/double.npy" --input-format npy
  expect_error 1 "it is no .npy file" vitrun "$picture" --input-format npy
  expect_error 1 "it is a folder" vitrun "$work" --input-format gray --size 2x2
  expect_error 2 "needs --size" vitrun - --input-format gray
  expect_error 2 "such as 640x480" vitrun - --input-format gray --size 0x3
  expect_error 2 "must be rgb24" vitrun - --input-format yuv --size 2x2
}

selftest() {
  run --selftest
  grep -q "the model has no digest" "$work/out" || fail "$(cat "$work/out")"
  expect "$(awk 'NF == 4 && $4 == "ok"' "$work/out" | wc -l)" "$(($(isas | wc -w) * 3))" "three runs of each set"
  "$VITCONVERT" convert --method percentile "$INTVIT_DEMO_DIR" -o "$work/m.bin" --calib "$INTVIT_DEMO_DIR/calib.txt" --calib-count 2 >/dev/null
  expect_exit 0 "$VITRUN" "$work/m.bin" --selftest --threads 2
  grep -q "all are the digest in the model, [0-9a-f]\{16\}$" "$work/out" || fail "$(cat "$work/out")"
  expect_exit 0 "$VITRUN" "$work/m.bin" --selftest --json --isa scalar
  grep -q '"ok": true' "$work/out" || fail "$(cat "$work/out")"
  expect_error 2 "--selftest" vitrun "$picture" --selftest
}

# Shares that add up to the whole.
shards() {
  for rank in 1 2 3 4 5 6 7; do echo "${pictures[rank % ${#pictures[@]}]} $((rank * 2))"; done >"$work/list"
  echo "$work/none.png 3" >>"$work/list"
  expect_exit 1 vitrun --eval "$work/list" --json
  sed '/images_per_s/,$d; s/,$//' "$work/out" >"$work/whole"
  for format in json jsonl csv; do
    for k in 1 2 3; do
      vitrun --eval "$work/list" --shard $k/3 --format $format >"$work/part$k" 2>/dev/null || true
    done
    expect_exit 1 "$VITRUN" --summarise "$work"/part{1,2,3} --json
    sed '$d; s/,$//' "$work/out" >"$work/sum"
    [ $format = csv ] || diff "$work/whole" "$work/sum" || fail "shares in $format"
    diff <(sed 1,2d "$work/whole") <(sed 1,2d "$work/sum") || fail "shares in $format"
  done
  for k in 1 2; do printf '%s\n' "${pictures[@]}" | vitrun - --digest --shard $k/2; done >"$work/shares" 2>/dev/null
  run "${pictures[@]}" --digest
  sort "$work/out" | diff - <(sort "$work/shares") || fail "shares of pictures"
  head -n 2 "$work/shares" | cut -c 19- | diff - <(printf '%s\n' "${pictures[0]}" "${pictures[2]}") || fail "first share"
  vitrun --eval "$work/list" --format jsonl 2>/dev/null | tail -n +2 >"$work/fewer" || true
  expect_error 2 "do not add up" "$VITRUN" --summarise "$work/fewer"
  head -c 150 "$work/fewer" >"$work/cut"
  expect_error 2 "ends within a line" "$VITRUN" --summarise "$work/cut"
  expect_error 2 "is not what --eval prints" "$VITRUN" --summarise <(echo '[1]')
  expect_error 2 "--shard '3/2' must be" vitrun --eval "$work/list" --shard 3/2
  expect_error 2 "cannot open" "$VITRUN" --summarise "$work/nothing"
}

# Program and model in one file.
bundle() {
  expect_exit 0 vitrun --bundle "$work/signs"
  expect_exit 0 "$work/signs" "${pictures[@]}" --digest
  cp "$work/out" "$work/bundled"
  run "${pictures[@]}" --digest
  cmp "$work/out" "$work/bundled" || fail "a bundle is its model"
  expect_exit 0 "$work/signs" --eval <(echo "$picture 0") --json
  grep -qF "\"model\": \"$work/signs\"" "$work/out" || fail "the name of a bundle: $(cat "$work/out")"
  expect_error 2 "--bundle" "$work/signs" --bundle "$work/again"
  expect_error 2 "nothing to do" "$work/signs"
  size=$(stat -c %s "$work/signs")
  printf XXXX | dd of="$work/signs" bs=1 seek=$((size - 5000)) conv=notrunc status=none
  expect_error 3 "damaged" "$work/signs" "$picture"
  expect_error 3 "not an intvit model" "$VITRUN" "$picture" --bundle "$work/again"
  expect_error 2 "it is a folder" vitrun --bundle "$work"
  [ ! -e "$work/again" ] || fail "what is no model was bundled"
  matches '^commit     (unknown|[-0-9A-Za-z._]+)$' "$VITRUN" --version || fail "no commit"
}

# What a network in floating point is fed, of the model that selftest() has made.
normalised() {
  command -v perl >/dev/null || { echo "skipped: normalised arrays, which perl makes"; return; }
  "$VITRUN" "$work/m.bin" "${pictures[@]}" --digest --dump-input "$work/seen.npy" | cut -c 1-16 >"$work/digests"
  perl -e 'undef $/; my @pixels = unpack("x128 C*", <STDIN>); my $n = @pixels / (3 * 64 * 64);
    print "\x93NUMPY\x01\x00\x76\x00";
    printf "%-117s\n", "{\x27descr\x27: \x27<f4\x27, \x27fortran_order\x27: False, \x27shape\x27: ($n, 3, 64, 64), }";
    for my $i (0 .. $n - 1) { for my $c (0 .. 2) {
      print pack("f<*", map { ($pixels[3 * (64 * 64 * $i + $_) + $c] / 255 - 0.5) / 0.5 } 0 .. 64 * 64 - 1); } }' \
    <"$work/seen.npy" >"$work/normalised.npy"
  expect_exit 0 "$VITRUN" "$work/m.bin" "$work/normalised.npy" --input-format npy --digest
  cut -c 1-16 "$work/out" | cmp - "$work/digests" || fail "normalised pixels are not the pixels"
  expect_error 1 "the model does not say by which mean" vitrun "$work/normalised.npy" --input-format npy
}

# On a terminal, which `script` stands for, there are bars if it shows them.
bars() {
  command -v script >/dev/null || { echo "skipped: bars, since there is no script command"; return; }
  on_terminal() { env -u LC_ALL -u LC_CTYPE LANG="$1" script -qec "'$VITRUN' '$model' '$picture' --topk 1" /dev/null </dev/null; }
  on_terminal C.UTF-8 >"$work/out"
  grep -q "%  █.* [a-z]" "$work/out" || fail "no bar: $(cat "$work/out")"
  on_terminal C >"$work/out"
  ! grep -q "█" "$work/out" || fail "a bar where there is no UTF-8"
  run "$picture" --topk 1
  ! grep -q "█" "$work/out" || fail "a bar in a file"
}

stats() {
  run "${pictures[@]}" --stats --format csv
  expect "$(head -n 1 "$work/out")" "site,codes,values,lowest,highest,aside,overflowed" "columns"
  grep -q '^blocks.0.norm1 layer_norm,256,' "$work/out" || fail "no site: $(cat "$work/out")"
  awk -F, 'NR > 1 { share = ($4 + $5) / $3; if (NR > 2 && share > before) exit 1; before = share }' "$work/out" ||
    fail "the worst is not first: $(cat "$work/out")"
  run "${pictures[0]}" --stats
  expect_exit 1 vitrun "${pictures[0]}" "$work/none.png" --stats --json
  expect_error 2 "--stats" vitrun "$picture" --stats --digest
}

dump() {
  run --dump list
  grep -qE '^blocks.0.norm1.layer_norm +uint8 +\[65, 96\] +256$' "$work/out" || fail "no site: $(cat "$work/out")"
  expect_exit 1 vitrun "${pictures[0]}" "$work/none.png" "${pictures[1]}" --dump head --dump 'blocks.?.norm1*' --dump-to "$work/sites"
  expect "$(sed -n '$p' "$work/out")" "$work/sites/head.linear.npy  int32 [2, 1, 16]" "what was written"
  expect "$(ls "$work/sites" | wc -l)" 7 "files"
  # The logits are the head's integers.
  run "${pictures[1]}" --format json --topk 1
  last=$(tail -c 64 "$work/sites/head.linear.npy" | od -An -v -td4 | tr -s ' \n' '\n\n' | sort -n | tail -n 1)
  near "$(json_number "$work/out" logit)" "$(awk -v v="$last" 'BEGIN { printf "%.9f", v / 65536 }')" 1e-6 ||
    fail "the largest number of the head is $last: $(cat "$work/out")"
  expect_error 2 "did you mean 'head.linear'" vitrun "$picture" --dump heda.linear --dump-to "$work/none"
  expect_error 2 "--dump-to DIR" vitrun "$picture" --dump head
  expect_error 2 "it is no folder" vitrun "$picture" --dump head --dump-to "$work/sites/head.linear.npy"
  expect_error 2 "--dump" vitrun "$picture" --dump head --dump-to "$work/none" --digest
  expect_error 2 "--dump" vitrun "$picture" --dump-to "$work/none"
  [ ! -e "$work/none" ] || fail "a folder for nothing"
}

one_by_one
names
stats
dump
bars
bundle
shards
selftest
frames
normalised
formats
cut_off
evaluation
echo "vitrun serves scripts"
