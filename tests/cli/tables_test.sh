# Tables of the pages are what their records say, and a wrong figure on a page or in a record is noticed. Skipped where
# there is no Python 3, which nothing else of intvit needs.
. "$(dirname "$0")/common.sh"
command -v python3 >/dev/null || { echo "skipped: no python3"; exit 77; }
root=$(cd "$(dirname "$0")/../.." && pwd)
cp -r "$root/README.md" "$root/docs" "$root/scripts" "$work"
tables() { python3 "$work/scripts/tables.py" "$@"; }

tables --check >"$work/out" || fail "$(cat "$work/out")"
[ "$(grep -o '^[0-9]* tables' "$work/out" | cut -d' ' -f1)" -ge 10 ] || fail "few tables: $(cat "$work/out")"
for name in latency peers kernels quantizers; do
  grep -q "^<!-- table $name: " "$work/docs/performance.md" || fail "performance.md has no table '$name'"
done
for name in accuracy drops demo; do
  grep -q "^<!-- table $name: " "$work/docs/accuracy.md" || fail "accuracy.md has no table '$name'"
done
grep -q "^<!-- table peers_short: " "$work/README.md" || fail "README.md has no table of figures"

# changed FILE FROM TO: one edit that must be noticed, and is written away again by --write or taken back.
changed() {
  cp "$work/$1" "$work/kept"
  sed -i "s/$2/$3/" "$work/$1"
  ! cmp -s "$work/kept" "$work/$1" || fail "'$2' is not in $1"
}
# The second row's top-1, whatever the records say today.
figure=$(sed -n '/^<!-- table accuracy:/,/^<!-- end -->/p' "$work/docs/accuracy.md" | grep -o '[0-9.]* %' | sed -n 2p)
changed docs/accuracy.md "| ${figure/./\\.} |" "| 1.23 % |"
expect_exit 1 tables --check
grep -q "accuracy.md: .*1.23 %.* should be .*$figure" "$work/out" || fail "what differs: $(cat "$work/out")"
expect_exit 0 tables --write
cmp "$work/kept" "$work/docs/accuracy.md" || fail "--write does not restore the page"
changed docs/figures/onnxruntime.json '0\.428' '0.328'
expect_exit 1 tables --check
[ "$(grep -c 'should be' "$work/out")" -eq 2 ] || fail "README.md and performance.md have this: $(cat "$work/out")"
cp "$work/kept" "$work/docs/figures/onnxruntime.json"

# Mistakes are one line, not a trace.
changed docs/performance.md '^<!-- end -->' ''
expect_error 2 "a marker without its other one" tables --check
cp "$work/kept" "$work/docs/performance.md"
changed docs/performance.md 'tables.py latency' 'tables.py nothing'
expect_error 2 "is no command of table latency" tables --check
cp "$work/kept" "$work/docs/performance.md"
expect_error 2 "no table 'magic'" tables magic
expect_error 2 "nowhere.json" tables latency nowhere.json
changed docs/figures/latency.json '^\[' ''
expect_error 2 "latency.json" tables --check
cp "$work/kept" "$work/docs/figures/latency.json"

# What the tools print today is what the tables read.
demo=$INTVIT_DEMO_DIR
"$VITCONVERT" convert "$demo" -o "$work/deit8.bin" --calib "$demo/calib.txt" --calib-count 2 --method minmax >/dev/null
"$VITBENCH" "$work/deit8.bin" --isa scalar --threads 1,2 --runs 2 --warmup 0 --json >"$work/docs/figures/now.json"
expect_exit 0 tables latency docs/figures/now.json
grep -q '^| DeiT-Tiny W8A8 | [0-9.]* ([0-9.]*) | [0-9.]* ([0-9.]*) | [0-9]* |$' "$work/out" ||
  fail "latency: $(cat "$work/out")"
head -n 12 "$demo/test.txt" | sed "s#^#$demo/#" >"$work/eval.txt"
"$VITCONVERT" sweep "$demo" --methods minmax --bits w8a8 --calib "$demo/calib.txt" --calib-count 2 \
  --eval "$work/eval.txt" --latency-runs 0 -o "$work/results" --json >"$work/docs/figures/sweep.json" 2>/dev/null
"$VITBENCH" "$work/results/minmax_w8a8.bin" --isa scalar --threads 1 --runs 2 --warmup 0 --json \
  >"$work/docs/figures/times.json"
expect_exit 0 tables accuracy docs/figures/sweep.json docs/figures/times.json
grep -q '^| W8A8 | `minmax` | [0-9.]* % | [-0-9.]* | [0-9.]* % | [0-9.]* dB | [0-9.]* MB | [0-9.]* ms |$' "$work/out" ||
  fail "accuracy: $(cat "$work/out")"
echo "tables: $(grep -c . "$work/out") lines of a fresh sweep; pages agree with their records"
