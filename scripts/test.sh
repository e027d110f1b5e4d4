#!/usr/bin/env bash
# Installs what the checks need and runs them: formatting, warnings as errors with gcc and clang, the unit tests under
# AddressSanitizer and UBSan, those of sessions under ThreadSanitizer, vitrun for 64-bit ARM, some seconds of fuzzing, and at
# last the suite in release mode. "full" leaves nothing out of it nor under the sanitizers, builds every program and all kernels
# with clang, runs the ARM build in an emulator and fuzzes for minutes.
# INTVIT_SHARED_DATA=<folder> adds the tests that need a real DeiT-Tiny and photographs.
set -euo pipefail
case "$#,${1:-}" in
  0,) full= fuzz_seconds=8 ;;
  1,full) full=1 fuzz_seconds=120 ;;
  *)
    echo "usage: ${0##*/} [full]" >&2
    exit 2
    ;;
esac
cd "$(dirname "$0")/.."

# The time of the children that have ended, user and system together: what a busy machine does not stretch.
cpu_seconds() { awk -v hz="$(getconf CLK_TCK)" '{ print int(($16 + $17) / hz) }' /proc/$$/stat; }
current=
step() {
  [ -z "$current" ] || printf -- '-- %s: %s s, %s s of CPU\n' "$current" $((SECONDS - began)) $(($(cpu_seconds) - cpu_began))
  current=$1 began=$SECONDS cpu_began=$(cpu_seconds)
  [ -z "$current" ] || printf '\n== %s\n' "$current"
}

step "packages"
scripts/install_packages.sh checks

step "formatting"
find . \( -path ./.git -o -path ./build -o -path './build-*' -o -path './tests/proofs/planted_*/*' \) -prune -o \
  \( -name '*.h' -o -name '*.cc' \) -print0 | xargs -0 clang-format --dry-run --Werror

# Kernels take most of the time to compile. So sanitizers get only those that this CPU runs if nobody names a set, and
# AddressSanitizer in the full run all that tests can run on it (AMX's with emulated instructions, where it is missing).
# AVX-VNNI's stand-in is compiled only where AVX-VNNI is missing.
cpu_has() { grep -qw "$1" /proc/cpuinfo; }
stand_in=ON runnable="scalar;avx2" usual="scalar;avx2"
! cpu_has avx_vnni || { stand_in=OFF runnable+=";avxvnni" usual="scalar;avxvnni"; }
! cpu_has avx512_vnni || { runnable+=";avx512vnni;amx" usual="scalar;avx512vnni"; }

step "sanitizers: address and undefined behaviour"
checked="$usual" checked_stand_in=OFF
[ -z "$full" ] || checked="$runnable" checked_stand_in="$stand_in"
cmake --preset asan-ubsan -DINTVIT_WERROR=ON -DINTVIT_ISAS="$checked" -DINTVIT_AVXVNNI_STAND_IN="$checked_stand_in" \
  -DINTVIT_SANITIZE_POINTERS="${full:+ON}" >/dev/null
sanitized=(test_kernels test_sessions test_engine test_capi test_toy_operation test_picture test_picture_stb test_tools)
# Compiling converter and vitbench once more takes minutes.
[ -z "$full" ] || sanitized+=(test_converter test_bench)
cmake --build --preset asan-ubsan --target "${sanitized[@]}"
# Of many similar cases the quick run tries one of five (tests/one_of.h).
[ -z "$full" ] || export INTVIT_ALL_CASES=1
# oneDNN's and OpenMP's own pools are still reachable at exit; leaks are looked for where only our code runs.
ASAN_OPTIONS=detect_leaks=0 ctest --preset asan-ubsan -R "^($(IFS='|'; echo "${sanitized[*]}"))\$" -j "$(nproc)"

step "sanitizers: threads"
cmake --preset tsan -DINTVIT_CONVERTER=OFF -DINTVIT_ISAS="$usual" >/dev/null
cmake --build --preset tsan --target test_sessions ${full:+test_capi}
[ -z "$full" ] || build/tsan/tests/test_capi
# Not the long comparisons that AddressSanitizer's build has run and that are not about threads.
left_out=(--test-case-exclude='*every instruction set*,*plain execution,*finite in number*,*many rows in blocks')
[ -z "$full" ] || left_out=()
# Most of these tests keep one CPU busy: clang builds meanwhile.
build/tsan/tests/test_sessions "${left_out[@]}" >build/tsan/test_sessions.log 2>&1 &
thread_tests=$!
trap 'kill "$thread_tests" 2>/dev/null || true' EXIT

if [ -n "$full" ]; then
  step "sanitizers: uninitialised memory"
  cmake --preset msan >/dev/null
  cmake --build --preset msan --target test_picture run_models
  build/msan/tests/test_picture
  build/msan/tests/run_models tests/golden/models
fi

step "clang: builds, and has the bits that gcc's build had"
# The quick run does not optimise command lines, which takes clang longer than all else.
options=(-DINTVIT_ISAS="$usual" -DINTVIT_GLUE_OPTIMISATION=-O0)
[ -z "$full" ] || options=(-UINTVIT_ISAS -UINTVIT_GLUE_OPTIMISATION)
cmake --preset clang -DINTVIT_WERROR=ON -DINTVIT_FUZZ=ON "${options[@]}" >/dev/null
# What runs models. Command lines and the converter take clang the longest.
programs=(vitrun isa_objects)
[ -z "$full" ] || programs+=(intvit_converter vitconvert vitbench classify)
cmake --build --preset clang --target "${programs[@]}"
ctest --preset clang -R '^(cli_golden_test|no_float|no_weak_symbols)$'

step "sanitizers: threads, the rest of the tests"
passed=1
wait "$thread_tests" || passed=
trap - EXIT
tail -n 100 build/tsan/test_sessions.log
[ -n "$passed" ]

step "64-bit ARM: builds${full:+, and has the bits of the golden models}"
scripts/arm.sh ${full:+run}

step "fuzzing"
scripts/fuzz.sh "$fuzz_seconds"

step "release: all tests"
cmake --preset release -DINTVIT_TESTS=ON -DINTVIT_BENCH=ON -DINTVIT_WERROR=ON -DINTVIT_AVXVNNI_STAND_IN="$stand_in" >/dev/null
cmake --build --preset release
# The whole library once more, as a part of another project, takes as long as all other tests of what is installed; the
# commands of the guides convert the demo model again and again.
left_out=(-E '^(install_subdirectory|cli_guides_test)$')
[ -z "$full" ] || left_out=()
INTVIT_FAULTS=${full:+full} ctest --preset release -j "$(nproc)" "${left_out[@]}"

if [ -n "$full" ]; then
  step "the library has the same bytes in every folder"
  scripts/reproducible.sh
  step "report pages fit their window"
  pages=$(mktemp -d)
  tool=build/release/bin/vitconvert
  "$tool" convert models/demo -o "$pages/a.bin" --calib models/demo/calib.txt --calib-count 2 --method adfq --wbits 4 \
    --abits 4 --sensitivity --sensitivity-pictures 1 --report "$pages/conversion.html"
  "$tool" report "$pages/a.bin" "$pages/a.bin" -o "$pages/models.html" --eval models/demo/test.txt
  scripts/check_pages.sh "$pages"/*.html || [ $? -eq 77 ]
  rm -r "$pages"
fi

step ""
printf '\nAll passed in %s s, %s s of CPU.\n' "$SECONDS" "$(cpu_seconds)"
