#!/usr/bin/env bash
# On a fresh Debian 12: installs what is missing, builds, converts the demo models, a ViT and a Swin, from their float
# weights and classifies example pictures with them. Prints each conversion's check against float, the answers, and the
# accuracy on 1024 pictures.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/install_packages.sh

cmake --preset release -DINTVIT_TESTS=OFF >/dev/null
cmake --build --preset release --target vitconvert vitrun vitbench
bin=build/release/bin
pictures=models/demo

for model in demo swin_demo; do
  echo
  echo "== Convert models/$model: float16 weights and 64 calibration pictures -> one integer file"
  "$bin/vitconvert" convert "models/$model" -o "build/$model.bin" --calib "$pictures/calib.txt" --method percentile --wbits 8
  echo
  echo "== Classify the pictures in $pictures/examples (every file is named after what it shows)"
  "$bin/vitrun" "build/$model.bin" "$pictures/examples" --topk 2
  echo
  echo "== Accuracy on the 1024 test pictures, in float and in integers"
  "$bin/vitconvert" reference "models/$model" --eval "$pictures/test_1024.txt"
  "$bin/vitrun" "build/$model.bin" --eval "$pictures/test_1024.txt"
done
