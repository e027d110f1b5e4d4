# Common to the CLI tests: strict mode, a temporary folder, and assertions that say what went wrong.
# The binaries come in VITCONVERT, VITRUN and VITBENCH; INTVIT_DEMO_DIR is models/demo.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() {
  echo "FAILED: $*" >&2
  exit 1
}

# expect_exit CODE COMMAND...: stdout and stderr go to $work/out and $work/err.
expect_exit() {
  local expected=$1 code=0
  shift
  "$@" >"$work/out" 2>"$work/err" || code=$?
  [ "$code" -eq "$expected" ] || fail "'$*' gave exit code $code, expected $expected: $(cat "$work/err")"
}

# expect_error CODE TEXT COMMAND...: one line on stderr that contains TEXT, nothing on stdout.
expect_error() {
  local expected=$1 text=$2
  shift 2
  expect_exit "$expected" "$@"
  [ "$(wc -l <"$work/err")" -eq 1 ] || fail "'$*' should print one line on stderr: $(cat "$work/err")"
  grep -qF -- "$text" "$work/err" || fail "'$*' should mention '$text': $(cat "$work/err")"
}

# matches PATTERN COMMAND...: the command succeeds and a line of its stdout matches the extended regular expression. All of
# it is read: `| grep -q` closes the pipe at the first match, and a program that has more to write fails.
matches() {
  local lines
  lines=$("${@:2}" | grep -cE -- "$1")
}

# json_number FILE KEY: the number behind "KEY" in a JSON text.
json_number() {
  sed -n "/\"$2\": *-\{0,1\}[0-9.]/ { s/.*\"$2\": *\(-\{0,1\}[0-9.][0-9.eE+-]*\).*/\1/p; q }" "$1"
}

# at_least A B: A >= B as decimal numbers.
at_least() { awk -v a="$1" -v b="$2" 'BEGIN { exit !(a >= b) }'; }

isas() { "$VITRUN" --version | sed -n 's/^available *//p' | tr -d ','; }

# near A B D: they differ by D at most, as decimal numbers.
near() { awk -v a="$1" -v b="$2" -v d="$3" 'BEGIN { exit !(a - b <= d && b - a <= d) }'; }

# recorded FILE TEXT KEY: the number behind KEY in the first line with TEXT of docs/figures/FILE, a record of measurements.
recorded() {
  grep -F -- "$2" "$INTVIT_DEMO_DIR/../../docs/figures/$1" | json_number /dev/stdin "$3"
}

# How far an SQNR may be from the recorded one, in dB. The float network rounds otherwise on another CPU, most so without
# fused multiplications, and what the converter chooses by its values follows.
sqnr_tolerance() { if matches "(^| )avx2( |$)" isas; then echo 0.3; else echo 0.6; fi; }
