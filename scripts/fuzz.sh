#!/usr/bin/env bash
# Runs every fuzz target for some seconds, with AddressSanitizer and UBSan; needs clang.
# The build is that of the release configuration by clang, whose kernels the fuzz targets link.
# Usage: fuzz.sh [seconds, default 60]
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:-60}
cmake --preset clang -DINTVIT_FUZZ=ON >/dev/null
cmake --build --preset clang --target fuzzers
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fuzz() {
  local name=$1 corpus=$work/$1.corpus
  mkdir "$corpus"
  [ "$name" != fuzz_model ] || build/clang/tests/fuzz/write_seeds "$corpus"
  [ "$name" != fuzz_safetensors ] || cp tests/golden/checkpoints/*.npz "$corpus"
  [[ "$name" != fuzz_picture* ]] || cp tests/golden/pictures/*.{jpg,png,bmp,pnm,pgm,webp} "$corpus"
  "build/clang/tests/fuzz/$name" -max_total_time="$seconds" -rss_limit_mb=2048 -timeout=20 -print_final_stats=0 \
    -verbosity=0 -artifact_prefix=build/clang/ "$corpus" >"$work/$name.log" 2>&1
}
# All at once; what one says is printed when it is done.
declare -A running
for target in build/clang/tests/fuzz/fuzz_*; do
  [ -x "$target" ] && [ -f "$target" ] || continue
  name=$(basename "$target")
  fuzz "$name" &
  running[$name]=$!
done
failed=0
for name in "${!running[@]}"; do
  wait "${running[$name]}" || failed=1
  echo "-- $name"
  cat "$work/$name.log"
done
exit "$failed"
