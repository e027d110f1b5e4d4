#!/usr/bin/env bash
# Builds the library twice, in two folders of different names from two copies of the sources, and compares every byte of
# the archives and the shared library. The sources are those of the last commit. Without a compiler cache.
# Usage: reproducible.sh [instruction sets, default scalar;avx2]
set -euo pipefail
cd "$(dirname "$0")/.."
isas=${1:-scalar;avx2}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for folder in "$work/one" "$work/a/longer/name"; do
  mkdir -p "$folder/source"
  git archive HEAD | tar -x -C "$folder/source"
  env -u CMAKE_CXX_COMPILER_LAUNCHER -u CMAKE_C_COMPILER_LAUNCHER cmake -S "$folder/source" -B "$folder/build" -G Ninja \
    -DCMAKE_BUILD_TYPE=Release -DINTVIT_ISAS="$isas" -DINTVIT_TOOLS=OFF -DINTVIT_CONVERTER=OFF -DINTVIT_TESTS=OFF >/dev/null
  cmake --build "$folder/build" -- ${INTVIT_JOBS:+-j "$INTVIT_JOBS"} >"$folder/build.log" || { cat "$folder/build.log" && exit 1; }
done
# Libraries have names of their own: none may be missing on one side.
libraries() { (cd "$1/build" && find . -type f \( -name '*.a' -o -name '*.so*' \) -exec sha256sum {} + | sort -k 2); }
libraries "$work/one" >"$work/first"
libraries "$work/a/longer/name" >"$work/second"
[ -s "$work/first" ]
diff "$work/first" "$work/second"
printf '%s libraries are the same, byte for byte\n' "$(wc -l <"$work/first")"
