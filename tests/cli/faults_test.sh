# Disks that are full, pipes that nobody reads, files that change while they are in use: one line and an exit code, and
# nothing left behind.
. "$(dirname "$0")/common.sh"

demo=$INTVIT_DEMO_DIR
golden=$demo/../../tests/golden
picture=$golden/pictures/baseline_420.jpg
cd "$work"
cp "$golden/models/demo_w3_w2_a8_opset4.bin" m.bin
cp "$golden/models/demo_ports_w4a8_opset3.bin" p.bin
# Of a file with what went to stderr: takes out that the machine is busy.
without_warnings() { sed -i '/^vitbench: warning: /d' "$1"; }
expect() { [ "$1" = "$2" ] || fail "$3: '$1', expected '$2'"; }

# Everything that goes to stdout.
cat >commands <<END
$VITRUN --help
$VITRUN --version
$VITRUN --print man
$VITRUN m.bin $picture
$VITRUN m.bin $picture --format json
$VITRUN m.bin $picture --format csv
$VITRUN m.bin $picture --digest
$VITRUN m.bin $picture --stats
$VITRUN m.bin $picture --attention drawn
$VITRUN p.bin $picture $picture --similarity
$VITRUN m.bin --eval $work/list
$VITCONVERT --help
$VITCONVERT convert --help
$VITCONVERT --version
$VITCONVERT list archs
$VITCONVERT inspect m.bin
$VITCONVERT inspect m.bin --json
$VITCONVERT verify m.bin
$VITCONVERT compare m.bin m.bin
$VITCONVERT plan $demo --calib $demo/calib.txt --calib-count 1 --method minmax
$VITBENCH --help
$VITBENCH --version
$VITBENCH m.bin --runs 1 --warmup 0
END
echo "$picture 0" >list

full_stdout() {
  if ! mknod full c 1 7 2>/dev/null || ! (: >full) 2>/dev/null; then
    echo "SKIPPED: no device for a full disk can be made here"
    return 0
  fi
  local code
  while read -r command; do
    code=0
    # shellcheck disable=SC2086
    $command >full 2>err </dev/null || code=$?
    without_warnings err
    expect "$code" 2 "$command to a full disk: $(cat err)"
    expect "$(wc -l <err)" 1 "$command to a full disk: $(cat err)"
    grep -q "cannot write the results to stdout" err || fail "$command: $(cat err)"
  done <commands
}

closed_stdout() {
  local command code
  while read -r command; do
    code=0
    # `true` has ended, or soon will have: the pipe has no reader when the command writes.
    # shellcheck disable=SC2086
    { sleep 0.02 && exec $command 2>err </dev/null; } | true || code=$?
    without_warnings err
    expect "$(cat err)" "" "$command to a pipe that is closed"
    [ "$code" -eq 0 ] || [ "$code" -eq 141 ] || fail "$command to a pipe that is closed: exit code $code"
  done <commands
}

# no_room CODE FILE COMMAND...: no file may have a byte.
no_room() {
  local expected=$1 file=$2 code=0
  shift 2
  { (ulimit -f 0 && exec "$@" </dev/null) 2>&1 >/dev/null | cat >err; } || code=$?
  without_warnings err
  expect "$code" "$expected" "$*: $(cat err)"
  expect "$(cat err)" "$(basename "$1"): cannot write '$file': File too large" "$*"
  expect "$(find . -path "./$file" -o -name '.*.intvit-*')" "" "left by $*"
}

full_disk() {
  no_room 2 l.npy "$VITRUN" m.bin "$picture" --logits l.npy
  no_room 2 o/logits.npy "$VITRUN" m.bin "$picture" --outputs o
  no_room 2 d.npy "$VITRUN" m.bin "$picture" --dump-input d.npy
  no_room 2 maps/baseline_420.layer5.mean.png "$VITRUN" m.bin "$picture" --attention maps
  no_room 2 b "$VITRUN" m.bin --bundle b
  no_room 3 p.json "$VITCONVERT" plan "$demo" --calib "$demo/calib.txt" --calib-count 1 --method minmax -o p.json
  no_room 3 c.bin "$VITCONVERT" convert "$demo" --calib "$demo/calib.txt" --calib-count 1 --method minmax -o c.bin
  no_room 3 w.txt "$VITCONVERT" verify m.bin --write w.txt
  no_room 3 r.html "$VITCONVERT" report m.bin -o r.html
  no_room 3 t.json "$VITBENCH" m.bin --runs 1 --warmup 0 --trace t.json
}

# A link stays one; a pipe takes what is written to it.
links_and_pipes() {
  mkdir far
  ln -s far/l.npy link
  expect_exit 0 "$VITRUN" m.bin "$picture" --logits link
  [ -L link ] && [ -f far/l.npy ] || fail "a link was replaced"
  mkfifo fifo
  timeout 20 cat fifo >copy &
  expect_exit 0 "$VITRUN" m.bin "$picture" --logits fifo
  wait $!
  [ -p fifo ] || fail "a pipe was replaced by a file"
  cmp copy far/l.npy || fail "what came through a pipe"
}

# changed EXPECTED COMMAND...: the command changes the model while vitrun waits for its second picture.
changed() {
  local expected=$1 code=0
  shift
  cp "$golden/models/demo_w3_w2_a8_opset4.bin" used.bin
  coproc service { exec "$VITRUN" used.bin - --digest --threads "$threads" 2>service_err; }
  local pid=$service_PID
  echo "$picture" >&"${service[1]}"
  read -r -t 20 _ <&"${service[0]}" || fail "no answer"
  "$@"
  echo "$picture" >&"${service[1]}"
  eval "exec ${service[1]}>&-"
  wait "$pid" || code=$?
  expect "$code" "$([ -n "$expected" ] && echo 3 || echo 0)" "$*: $(cat service_err)"
  expect "$(cat service_err)" "$expected" "$*"
}

truncate_it() { : >used.bin; }
overwrite_it() { printf XXXX | dd of=used.bin bs=1 seek=300000 conv=notrunc status=none; }
replace_it() { cp m.bin new.bin && mv new.bin used.bin; }

# What a terminal sees of names and labels that turn everything red, of messages, too.
red_names() {
  if ! script --version >/dev/null 2>&1; then
    echo "SKIPPED: no program 'script' for a terminal"
    return 0
  fi
  local red=$'\e[31m' command
  cp "$picture" "${red}p.jpg"
  cp m.bin "${red}m.bin"
  seq 16 | sed "s/^/$red/" >labels
  for command in "$VITRUN m.bin *p.jpg --labels labels" "$VITRUN m.bin *p.jpg --attention drawn" \
    "$VITRUN m.bin ?*m.bin" "$VITCONVERT inspect ?*m.bin" "$VITCONVERT inspect *p.jpg" "$VITCONVERT compare ?*m.bin m.bin" \
    "$VITBENCH ?*m.bin --runs 1 --warmup 0" "$VITBENCH *p.jpg --runs 1"; do
    script -qec "$command" /dev/null </dev/null >shown || true
    grep -qF '\x1b[31m' shown || fail "$command shows no escaped name: $(cat -v shown)"
    if grep -qF "$red" shown; then fail "$command turns the terminal red: $(cat -v shown)"; fi
  done
}

# What is read of a pipe or device that never ends is bounded, or refused.
endless_inputs() {
  local zero=zero demo_list=$demo/calib.txt
  mknod "$zero" c 1 5 2>/dev/null && head -c 1 "$zero" >one 2>/dev/null || zero=/dev/zero
  expect_error 2 "exceeds 64 MiB" "$VITRUN" m.bin "$picture" --labels "$zero"
  expect_error 2 "exceeds 256 MiB" "$VITRUN" m.bin --eval "$zero"
  expect_error 2 "a row has more than 16 MiB" "$VITRUN" --summarise "$zero"
  expect_error 2 "is no regular file" "$VITRUN" p.bin --query "$picture" "$picture" --cache "$zero"
  expect_error 3 "it is not a regular file" "$VITRUN" "$zero" "$picture"
  expect_error 1 "it is a device, not a file" "$VITRUN" m.bin "$zero"
  expect_error 2 "it is not a regular file" "$VITCONVERT" convert "$demo" -o x --calib "$demo_list" --plan "$zero"
  expect_error 3 "it is not a regular file" "$VITCONVERT" convert "$demo" -o x --calib "$demo_list" --classes "$zero"
  expect_error 2 "it is not a regular file" "$VITCONVERT" verify m.bin --against "$zero"
  expect_error 2 "has more than 256 MiB" "$VITBENCH" m.bin --compare "$zero" --runs 1
}

red_names
endless_inputs
full_stdout
closed_stdout
full_disk
links_and_pipes
for threads in 1 2; do
  changed "vitrun: '$(pwd -P)/used.bin' became shorter, or cannot be read any more, while it was in use; replace files by renaming" truncate_it
  changed "vitrun: 'used.bin' was written to while it was in use, so results may be wrong; replace files by renaming" overwrite_it
  changed "" replace_it
done
