#!/usr/bin/env bash
# Repeats the tests that find more the longer they run, each for its part of the time, and says how much has been run:
# generated programs and changed models on every instruction set and under AddressSanitizer and UBSan, changed pictures with
# every decoder, memory that ends at each allocation of the tools, and every fuzz target. What has been run is kept in a
# folder, round by round: a run that was interrupted goes on, and one that has all its minutes only prints the figures of
# docs/reliability.md. A round that fails is kept, and ends the run with 1.
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
# What walk_allocations.sh says of each command and share of its sites.
allocations=$state/allocations.tsv
touch "$rounds" "$allocations"

build() {
  cmake --preset release -DINTVIT_TESTS=ON >/dev/null
  cmake --build --preset release --target test_sessions test_picture test_picture_stb fail_allocations vitrun_shared vitbench \
    vitconvert
  cmake --preset asan-ubsan >/dev/null
  cmake --build --preset asan-ubsan --target test_sessions test_picture test_picture_stb
  cmake --preset msan >/dev/null
  cmake --build --preset msan --target test_picture
}

# A round that is interrupted counts as not begun. It is a process group of its own, as timeout makes it.
running=
stop() {
  [ -z "$running" ] || kill -- "-$running" 2>/dev/null || true
  exit 130
}
trap stop INT TERM HUP

# Runs a round's command, whose output is kept only if it fails.
round() {
  local part=$1 number=$2 began=$SECONDS failed=0 counted
  local log=$state/$part.$number.log
  timeout -k 10 3600 "${@:3}" >"$log" 2>&1 </dev/null &  # what hangs has failed
  running=$!
  wait "$running" || failed=1
  running=
  counted=$(counts "$log")
  printf '%s\t%s\t%s\t%s\t%s\n' "$part" "$number" $((SECONDS - began)) "$counted" "$failed" >>"$rounds"
  printf '%s, round %s: %s s%s\n' "$part" "$number" $((SECONDS - began)) "$([ "$failed" = 0 ] || echo ", FAILED: $log")"
  [ "$failed" = 1 ] || rm "$log"
}

# What the tests and libFuzzer say of a round: tried, a tab, ran.
counts() {
  sed -nE 's/.*MESSAGE: ([0-9]+) generated programs ran on .* sets, ([0-9]+) were refused, ([0-9]+) too large.*/\1 \2 \3/p
    s/.*MESSAGE: ([0-9]+) changed pictures were read, ([0-9]+) refused/\1 \2 0/p
    s/.* ([0-9]+) runs, ([0-9]+) reported, ([0-9]+) unharmed, ([0-9]+) not reached, ([0-9]+) wrong$/\2 \3 \4 \5/p
    s/^stat::number_of_executed_units: *([0-9]+)/\1 0 0/p' "$1" |
    awk '{ ran += $1; tried += $1 + $2 + $3 + $4 } END { printf "%d\t%d", tried, ran }'
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

# One of 64 shares of the sites of all commands; after 64 rounds each has been tried.
walk() {
  INTVIT_FAULT_FIGURES=$allocations round allocations "$2" bash tests/faults/walk_commands.sh $(($2 % 64))/64 "$state/inputs"
}

# The newest round of each share counts.
print_allocations() {
  awk -F'\t' '
    { if (!($1 in shares)) shares[$1] = 1; newest[$1 FS $2] = $0 }
    END {
      for (key in newest) {
        split(newest[key], n)
        tool = n[2]; sub(/ .*/, "", tool)
        if (!((tool, n[2]) in seen)) commands[tool]++
        seen[tool, n[2]] = 1
        for (i = 3; i <= 8; ++i) sum[tool, i] += n[i]
      }
      count = 0; for (share in shares) count++
      if (count == 0) exit
      printf "\nAllocations, %d of 64 shares:\n\n", count
      print "| tool | commands | sites | runs | reported | unharmed | not reached | wrong |"
      print "|---|---|---|---|---|---|---|---|"
      for (tool in commands) {
        printf "| %s | %d", tool, commands[tool] | "sort"
        for (i = 3; i <= 8; ++i) printf " | %d", sum[tool, i] | "sort"
        print " |" | "sort"
      }
    }' "$allocations"
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
  repeat msan_test_picture 20 pictures msan test_picture
  export INTVIT_DEMO_DIR=$PWD/models/demo FAIL_ALLOCATIONS=$PWD/build/release/tests/libfail_allocations.so
  export VITRUN_SHARED=$PWD/build/release/tests/vitrun_shared
  export VITBENCH=$PWD/build/release/bin/vitbench VITCONVERT=$PWD/build/release/bin/vitconvert
  repeat allocations 130 walk
  fuzz_seconds=$((minutes < 10 ? minutes * 24 : 240))
  repeat fuzz 250 fuzz
fi
print_figures
print_allocations
! awk -F'\t' '$6 > 0 { found = 1 } END { exit !found }' "$rounds"
