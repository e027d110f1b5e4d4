#!/usr/bin/env bash
# Runs every fuzz target for some seconds, with AddressSanitizer and UBSan; needs clang.
# The build is that of the release configuration by clang, whose kernels the fuzz targets link.
# Usage: fuzz.sh [seconds, default 60] [folder in which the corpora are kept for the next run]
set -euo pipefail
seconds=${1:-60}
corpora=${2:+$(realpath -m "$2")}
cd "$(dirname "$0")/.."
cmake --preset clang -DINTVIT_FUZZ=ON >/dev/null
cmake --build --preset clang --target fuzzers
[ "$seconds" -lt 60 ] || cmake --build --preset clang --target slow_fuzzers
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
corpora=${corpora:-$work}
# Their first byte names the reader.
text_seeds() {
  local letter file
  while read -r letter file; do
    { printf %s "$letter" && cat "$file"; } >"$1/$letter.$(basename "$file")"
  done <<'LIST'
L models/demo/labels.txt
P models/demo/test.txt
C models/demo/config.json
T models/swin_demo/config.json
O models/swin_demo/config.json
N models/demo/reference_logits_test.npy
J tests/golden/models/mixed_w4a4_plan.json
LIST
}
# Converted ones of every family.
small_models() { find tests/golden/models -name '*.bin' -not -name 'demo_*' -exec cp -t "$1" {} +; }
fuzz() {
  local name=$1 corpus=$corpora/$1.corpus
  mkdir -p "$corpus"
  [ "$name" != fuzz_model ] || { build/clang/tests/fuzz/write_seeds "$corpus" && small_models "$corpus"; }
  [ "$name" != fuzz_safetensors ] || cp tests/golden/checkpoints/*.npz "$corpus"
  [[ "$name" != fuzz_picture* ]] || cp tests/golden/pictures/*.{jpg,png,bmp,pnm,pgm,webp} "$corpus"
  [ "$name" != fuzz_texts ] || text_seeds "$corpus"
  "build/clang/tests/fuzz/$name" -max_total_time="$seconds" -rss_limit_mb=2048 -timeout=20 -print_final_stats=1 \
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
