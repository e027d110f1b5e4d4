#!/usr/bin/env bash
# Repeats the tests that find more the longer they run, each for its part of the time, and says how much has been run:
# generated programs and changed models on every instruction set and under AddressSanitizer and UBSan, changed pictures with
# every decoder, and every fuzz target. What has been run is kept in a folder, round by round: a run that was interrupted goes
# on, and one that has all its minutes only prints the figures of docs/reliability.md. A round that fails is kept, and ends
# the run with 1.
# Usage: soak.sh [--minutes N, default 120] [--state FOLDER, default build/soak] [--figures]
set -euo pipefail

usage() {
  echo "usage: ${0##*/} [--minutes N] [--state FOLDER] [--figures]" >&2
  exit 2
}
minutes=120 state='' figures=''
while [ $# -gt 0 ]; do
  case "$1" in
    --minutes) [[ "${2:-}" =~ ^[1-9][0-9]*$ ]] || usage && minutes=$2 && shift 2 ;;
    --state) [ -n "${2:-}" ] || usage && state=$(realpath -m "$2") && shift 2 ;;
    --figures) figures=1 && shift ;;
    *) usage ;;
  esac
done
cd "$(dirname "$0")/.."
state=${state:-$PWD/build/soak}
mkdir -p "$state"
# Of every round: part, number, seconds, what was tried, what of it ran or was read, failed (0 or 1).
rounds=$state/rounds.tsv
touch "$rounds"

build() {
  cmake --preset release -DINTVIT_TESTS=ON >/dev/null
  cmake --build --preset release --target test_sessions test_picture test_picture_stb
  cmake --preset asan-ubsan >/dev/null
  cmake --build --preset asan-ubsan --target test_sessions test_picture test_picture_stb
}

# Runs a round's command, whose output is kept only if it fails.
round() {
  local part=$1 number=$2 began=$SECONDS failed=0 counted
  local log=$state/$part.$number.log
  timeout -k 10 3600 "${@:3}" >"$log" 2>&1 || failed=1  # what hangs has failed
  counted=$(counts "$log")
  printf '%s\t%s\t%s\t%s\t%s\n' "$part" "$number" $((SECONDS - began)) "$counted" "$failed" >>"$rounds"
  printf '%s, round %s: %s s%s\n' "$part" "$number" $((SECONDS - began)) "$([ "$failed" = 0 ] || echo ", FAILED: $log")"
  [ "$failed" = 1 ] || rm "$log"
}

# What the tests and libFuzzer say of a round: tried, a tab, ran.
counts() {
  sed -nE 's/.*MESSAGE: ([0-9]+) generated programs ran on .* sets, ([0-9]+) were refused, ([0-9]+) too large.*/\1 \2 \3/p
    s/.*MESSAGE: ([0-9]+) changed pictures were read, ([0-9]+) refused/\1 \2 0/p
    s/^stat::number_of_executed_units: *([0-9]+)/\1 0 0/p' "$1" |
    awk '{ ran += $1; tried += $1 + $2 + $3 } END { printf "%d\t%d", tried, ran }'
}

seconds_of() { awk -F'\t' -v part="$1" '$1 == part { s += $3 } END { print s + 0 }' "$rounds"; }
rounds_of() { awk -F'\t' -v part="$1" '$1 == part { n++ } END { print n + 0 }' "$rounds"; }

# Rounds of a part until its share, in thousandths of the time, is used up. Numbers of rounds are seeds.
repeat() {
  local part=$1 share=$((minutes * 60 * $2 / 1000)) number
  while [ "$(seconds_of "$part")" -lt "$share" ]; do
    number=$(rounds_of "$part")
    "${@:3}" "$part" "$number"
  done
}

programs() {
  local folder=$1 tests=$2 isa=$3 count=$4 part=$5 number=$6
  round "$part" "$number" env INTVIT_PROGRAMS="$count" INTVIT_PROGRAMS_SEED=$((1000000 + number * count)) \
    INTVIT_PROGRAMS_ISA="$isa" INTVIT_PROGRAMS_FILE="$state/$part.program" \
    "build/$folder/tests/test_sessions" "-tc=generated $tests:*"
}

pictures() {
  local folder=$1 binary=$2 part=$3 number=$4
  round "$part" "$number" env INTVIT_MUTATIONS=500 INTVIT_MUTATIONS_SEED=$((1000 + number)) \
    "build/$folder/tests/$binary" '-tc=whatever happens to a byte*'
}

# All targets at once; each has a line of its own besides.
fuzz() {
  local log=$state/fuzz.$2.log
  round fuzz "$2" bash -o pipefail -c 'scripts/fuzz.sh "$1" "$2" | tee "$3"' - "$fuzz_seconds" "$state/corpora" "$log.targets"
  awk -v number="$2" -v seconds="$fuzz_seconds" '
    /^-- / { name = $2 }
    /^stat::number_of_executed_units/ { printf "%s\t%s\t%s\t%s\t%s\t0\n", name, number, seconds, $2, $2 }' \
    "$log.targets" >>"$rounds"
  rm "$log.targets"
}

print_figures() {
  awk -F'\t' '
    { rounds[$1]++; seconds[$1] += $3; tried[$1] += $4; ran[$1] += $5; failed[$1] += $6 }
    END {
      print "| part | rounds | minutes | tried | ran or were read | rounds that failed |"
      print "|---|---|---|---|---|---|"
      for (part in rounds) {
        printf "| %s | %d | %.1f | %d | %d | %d |\n", part, rounds[part], seconds[part] / 60, tried[part], ran[part],
          failed[part] | "sort"
      }
    }' "$rounds"
}

if [ -z "$figures" ]; then
  build
  # Those of this CPU and build.
  isas=()
  for isa in avx2 avxvnni avx512vnni amx; do
    INTVIT_PROGRAMS=1 INTVIT_PROGRAMS_ISA=$isa build/release/tests/test_sessions '-tc=generated programs*' >/dev/null &&
      isas+=("$isa")
  done
  for isa in "${isas[@]}"; do
    repeat "programs_$isa" $((150 / ${#isas[@]})) programs release programs "$isa" 1000
    repeat "programs_families_$isa" $((100 / ${#isas[@]})) programs release families "$isa" 1000
  done
  repeat programs_sanitized 90 programs asan-ubsan programs "" 250
  repeat programs_families_sanitized 60 programs asan-ubsan families "" 250
  for folder in release asan-ubsan; do
    for binary in test_picture test_picture_stb; do repeat "${folder}_$binary" 50 pictures "$folder" "$binary"; done
  done
  fuzz_seconds=$((minutes < 10 ? minutes * 24 : 240))
  repeat fuzz 400 fuzz
fi
print_figures
! awk -F'\t' '$6 > 0 { found = 1 } END { exit !found }' "$rounds"
