#!/usr/bin/env bash
# On a fresh Debian 12: installs what is missing, builds, converts the demo model from its float weights and classifies
# example pictures with it. Prints the conversion's check against float, the answers, and the accuracy on 256 pictures.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/install_packages.sh

cmake --preset release -DINTVIT_TESTS=OFF >/dev/null
cmake --build --preset release --target vitconvert vitrun vitbench
bin=build/release/bin
demo=models/demo

echo
echo "== Convert: float16 weights and 64 calibration pictures -> one integer file"
"$bin/vitconvert" convert "$demo" -o build/demo.bin --calib "$demo/calib.txt" --method percentile --wbits 8
echo
echo "== Classify the pictures in $demo/examples (every file is named after what it shows)"
"$bin/vitrun" build/demo.bin "$demo/examples" --topk 2
echo
echo "== Accuracy on the 256 test pictures, in float and in integers"
"$bin/vitconvert" reference "$demo" --eval "$demo/test.txt"
"$bin/vitrun" build/demo.bin --eval "$demo/test.txt"
