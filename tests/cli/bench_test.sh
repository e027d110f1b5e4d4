# vitbench as scripts use it: formats, profile, trace, comparison with exit code 5, errors. No test depends on a time.
. "$(dirname "$0")/common.sh"

demo=$INTVIT_DEMO_DIR
"$VITCONVERT" convert --method percentile "$demo" -o "$work/m.bin" --calib "$demo/calib.txt" >/dev/null
cp "$work/m.bin" "$work/n.bin"
bench() { "$VITBENCH" "$work/m.bin" --threads 1 --runs 2 --warmup 0 "$@"; }

# Sweeps: every combination of every list is a row.
expect_exit 0 "$VITBENCH" "$work/m.bin,$work/n.bin" --threads 1,2 --batch 1,2 --isa scalar --runs 1 --warmup 0 --csv
[ "$(wc -l <"$work/out")" -eq 9 ] || fail "2 models x 2 threads x 2 batches: $(cat "$work/out")"
mv "$work/m.bin" "$work/with,comma.bin"
expect_exit 0 "$VITBENCH" "$work/with,comma.bin" --threads 1 --seconds 0.001
mv "$work/with,comma.bin" "$work/m.bin"

# Formats, with and without --profile.
for profile in "" --profile; do
  expect_exit 0 bench $profile
  grep -q "median ms .*p99 ms  spread %  images/s  GMAC/s  % of peak" "$work/out" || fail "text: $(cat "$work/out")"
  grep -q "x median" "$work/out" || fail "no cold start: $(cat "$work/out")"
  grep -q "peak of .* GMAC/s (" "$work/out" || fail "no peak: $(cat "$work/out")"
  expect_exit 0 bench $profile --format markdown
  grep -q "^| model | isa |" "$work/out" || fail "Markdown: $(cat "$work/out")"
  expect_exit 0 bench $profile --format csv
  grep -q "^model,isa,threads,batch," "$work/out" || fail "CSV: $(cat "$work/out")"
  awk -F, 'NR == 1 { n = NF } NF != n { exit 1 }' "$work/out" || fail "CSV rows differ in length: $(cat "$work/out")"
  expect_exit 0 bench $profile --format json
  [ "$(json_number "$work/out" runs)" = 2 ] || fail "JSON: $(cat "$work/out")"
done
grep -q '"profile_by_op": \[{"layer":"","op":"linear"' "$work/out" || fail "no profile by operation: $(cat "$work/out")"
expect_exit 0 bench --batch 1,2 --format jsonl
[ "$(grep -c '^{"model":.*"times_ms":.*}$' "$work/out")" = 2 ] || fail "lines of JSON: $(cat "$work/out")"
cp "$work/out" "$work/old.jsonl"
expect_exit 0 bench --batch 1,2 --compare "$work/old.jsonl" --tolerance 1000

# Pictures: painted ones are not these; a picture's logits do not depend on which others are in the batch.
pictures=("$demo"/test/*.jpg)
digest() { sed -n 's/.*"logits_digest": "\([0-9a-f]*\)".*/\1/p' "$work/out"; }
expect_exit 0 bench --json
grep -q '"pictures": "painted"' "$work/out" || fail "no pictures: $(cat "$work/out")"
painted=$(digest)
expect_exit 0 bench --json --pictures "${pictures[0]}"
first=$(digest)
[ -n "$first" ] && [ "$first" != "$painted" ] || fail "--pictures has no effect"
expect_exit 0 bench --json --batch 3 --pictures "${pictures[0]},${pictures[1]}"
[ "$(digest)" = "$first" ] || fail "the first picture is another one in a batch"
grep -qF "\"pictures\": \"${pictures[0]##*/},${pictures[1]##*/}\"" "$work/out" || fail "$(cat "$work/out")"
goldens=$(dirname "$0")/../golden/pictures
expect_exit 0 bench --json --pictures "$goldens/exif_6.jpg"
as_it_is=$(digest)
expect_exit 0 bench --json --pictures "$goldens/exif_6.jpg" --exif-rotate
[ -n "$(digest)" ] && [ "$(digest)" != "$as_it_is" ] || fail "--exif-rotate has no effect"
expect_error 3 "the limit 'pixels' is 100" bench --pictures "${pictures[0]}" --limits pixels=100
expect_error 2 "--limits 'pixel=3' must be" bench --pictures "${pictures[0]}" --limits pixel=3
expect_error 3 "nowhere.jpg" bench --pictures "$work/nowhere.jpg"
expect_error 2 "--pictures" bench --pictures ""
expect_error 2 "empty entry" bench --pictures "${pictures[0]},"

# A trace is written whole or not at all.
expect_exit 0 bench --trace "$work/trace.json"
grep -q '"traceEvents":\[{"ph":"M","name":"process_name"' "$work/trace.json" || fail "no trace"
grep -q '"name":"linear blocks.5.mlp.fc2"' "$work/trace.json" || fail "the trace lacks a step"
[ -z "$(ls "$work" | grep '^trace\.json\.' || true)" ] || fail "a temporary file was left behind"
expect_error 2 "cannot write the trace to '$work/none/trace.json'" bench --trace "$work/none/trace.json"
expect_error 2 "it is a folder" bench --trace "$work"

# Comparison: with times that nobody reaches, nobody exceeds, and with itself at a tolerance that nothing exceeds.
bench --json >"$work/now.json"
old_times() { sed "s/\"times_ms\": .*/\"times_ms\": [$1]/" "$work/now.json" >"$work/old.json"; }
old_times "0.000001, 0.000001"
expect_exit 5 bench --compare "$work/old.json"
[ "$(grep -vc "warning: " "$work/err")" -eq 1 ] || fail "one line should say what is slower: $(cat "$work/err")"
grep -qF "slower than in '$work/old.json'" "$work/err" && grep -qF "m.bin" "$work/err" || fail "$(cat "$work/err")"
grep -q " slower$" "$work/out" || fail "the table should say slower: $(cat "$work/out")"
old_times "1000000, 1000000"
expect_exit 0 bench --compare "$work/old.json"
grep -q " faster$" "$work/out" || fail "the table should say faster: $(cat "$work/out")"
expect_exit 0 bench --compare "$work/old.json" --json
grep -q '"verdict": "faster"' "$work/out" || fail "JSON has no verdict"
expect_exit 0 bench --compare "$work/now.json" --tolerance 1000
cp "$work/m.bin" "$work/renamed.bin"
expect_exit 0 "$VITBENCH" "$work/renamed.bin" --threads 1 --runs 2 --compare "$work/old.json"
grep -q " faster$" "$work/out" || fail "a renamed file has the same digest: $(cat "$work/out")"


# Another model, by the name that it has in the old file.
cp "$(dirname "$0")/../golden/models/demo_w8a8_opset2.bin" "$work/other.bin"
expect_exit 0 "$VITBENCH" "$work/other.bin" --threads 1 --runs 2 --compare "$work/old.json" --as m.bin
grep -q " faster$" "$work/out" || fail "no row of m.bin: $(cat "$work/out")"
! grep -q "by its name" "$work/err" || fail "$(cat "$work/err")"

# Nothing to compare with, which is said before anything is measured.
expect_error 2 "it has: $work/m.bin, " "$VITBENCH" "$work/other.bin" --threads 1 --seconds 1e6 --compare "$work/old.json"
expect_error 2 "measure the same combinations" bench --batch 2 --compare "$work/old.json"
expect_error 2 "has no row for o.bin, " bench --compare "$work/old.json" --as o.bin
expect_error 2 "--as" bench --as m.bin
expect_error 2 "cannot be opened" bench --compare "$work/nowhere.json"
echo '{"count": 3' >"$work/bad.json"
expect_error 2 "bad.json': is not JSON" bench --compare "$work/bad.json"
echo '{"count": 3}' >"$work/bad.json"
expect_error 2 "no array of rows" bench --compare "$work/bad.json"
echo '[]' >"$work/bad.json"
expect_error 2 "has no rows" bench --compare "$work/bad.json"
old_times ""
mv "$work/old.json" "$work/bad.json"
expect_error 2 "row 1 has no valid 'times_ms'" bench --compare "$work/bad.json"

# Threads that are bound. The first CPU is one that this process may use.
cpu=$(taskset -cp $$ | sed 's/.*: //; s/[,-].*//')
expect_exit 0 bench --pin "$cpu" --json --trace "$work/trace.json"
grep -qF "\"pinned\": \"$cpu\"" "$work/out" || fail "no CPU: $(cat "$work/out")"
expect_error 2 "CPU 1000 may not be used; those that may are " bench --pin 1000

# Options.
expect_error 2 "--runs" "$VITBENCH" "$work/m.bin" --runs 2 --seconds 1
expect_error 2 "--compare" bench --tolerance 5
expect_error 2 "--csv" bench --json --csv
expect_error 2 "must be text, markdown, csv, json or jsonl" bench --format xml
expect_error 2 "--trace" bench --trace ""
expect_error 2 "--compare" bench --compare ""
expect_error 2 "sse9" bench --isa scalar,sse9
expect_error 2 "--batch '0'" bench --batch 1,0
expect_error 2 "empty entry" "$VITBENCH" "$work/m.bin,"
expect_error 3 "nowhere.bin" "$VITBENCH" "$work/m.bin,$work/nowhere.bin"
echo "vitbench does what its help says"
