#!/usr/bin/env bash
# Runs every fuzz target for some seconds (default 60), with AddressSanitizer and UBSan; needs clang.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:-60}
cmake -S . -B build/fuzz -G Ninja -DCMAKE_CXX_COMPILER=clang++ -DCMAKE_BUILD_TYPE=Debug \
  -DCMAKE_CXX_FLAGS_DEBUG="-O1 -g" -DINTVIT_FUZZ=ON -DINTVIT_CONVERTER=OFF >/dev/null
cmake --build build/fuzz --target fuzzers
for target in build/fuzz/tests/fuzz/fuzz_*; do
  [ -x "$target" ] && [ -f "$target" ] || continue
  echo "-- $(basename "$target")"
  corpus=$(mktemp -d)
  [ "$(basename "$target")" != fuzz_model ] || build/fuzz/tests/fuzz/write_seeds "$corpus"
  "$target" -max_total_time="$seconds" -rss_limit_mb=2048 -timeout=20 -print_final_stats=0 -verbosity=0 \
    -artifact_prefix=build/fuzz/ "$corpus"
  rm -rf "$corpus"
done
