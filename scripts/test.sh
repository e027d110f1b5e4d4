#!/usr/bin/env bash
# Installs what the checks need and runs all of them: formatting, warnings as errors, the unit tests of kernels, engine and
# tools under AddressSanitizer and UBSan (all of them with INTVIT_SANITIZE_ALL=1), those of sessions under
# ThreadSanitizer, some seconds of fuzzing, and at last the whole suite in release mode.
# INTVIT_SHARED_DATA=<folder> adds the tests that need a real DeiT-Tiny and photographs.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/install_packages.sh checks
step() { printf '\n== %s (%s s)\n' "$*" "$SECONDS"; }

step "formatting"
find kernels engine models converter tools bench tests examples -name '*.h' -o -name '*.cc' | xargs clang-format --dry-run --Werror

# Kernels take most of the time to compile. So sanitizers get only those that tests can run on this CPU (AMX's with emulated
# instructions, where it is missing), and where it does not matter which, only those that it runs if nobody names a set.
# AVX-VNNI's stand-in is compiled only where AVX-VNNI is missing.
cpu_has() { grep -qw "$1" /proc/cpuinfo; }
stand_in=ON runnable="scalar;avx2" usual="scalar;avx2"
! cpu_has avx_vnni || { stand_in=OFF runnable+=";avxvnni" usual="scalar;avxvnni"; }
! cpu_has avx512_vnni || { runnable+=";avx512vnni;amx" usual="scalar;avx512vnni"; }

step "sanitizers: address and undefined behaviour"
cmake --preset asan-ubsan -DINTVIT_WERROR=ON -DINTVIT_ISAS="$runnable" -DINTVIT_AVXVNNI_STAND_IN="$stand_in" >/dev/null
# Compiling converter and vitbench a second time takes minutes: INTVIT_SANITIZE_ALL=1 adds them.
sanitized=(test_kernels test_sessions test_engine test_tools)
[ -z "${INTVIT_SANITIZE_ALL:-}" ] || sanitized+=(test_converter test_bench)
cmake --build --preset asan-ubsan --target "${sanitized[@]}"
# oneDNN's and OpenMP's own pools are still reachable at exit; leaks are looked for where only our code runs.
ASAN_OPTIONS=detect_leaks=0 ctest --preset asan-ubsan -R "^($(IFS='|'; echo "${sanitized[*]}"))\$" -j "$(nproc)"

step "sanitizers: threads"
cmake --preset tsan -DINTVIT_CONVERTER=OFF -DINTVIT_ISAS="$usual" >/dev/null
cmake --build --preset tsan --target test_sessions
# Not the long comparison of everything with everything, which AddressSanitizer's build has run.
build/tsan/tests/test_sessions --test-case-exclude='*every instruction set*'

step "fuzzing"
scripts/fuzz.sh 15 "scalar;avx2"  # kernels are not instrumented there

step "release: all tests"
cmake --preset release -DINTVIT_TESTS=ON -DINTVIT_BENCH=ON -DINTVIT_WERROR=ON -DINTVIT_AVXVNNI_STAND_IN="$stand_in" >/dev/null
cmake --build --preset release
ctest --preset release -j "$(nproc)"
