# The real DeiT-Tiny and 744 photographs, where they are on this machine: float accuracy, accuracy of the methods, sizes.
. "$(dirname "$0")/common.sh"
data=${INTVIT_SHARED_DATA:-}
if [ -z "$data" ] || [ ! -e "$data/deit_tiny/model.safetensors" ]; then
  echo "SKIPPED: INTVIT_SHARED_DATA does not name a folder with deit_tiny and imagenet1k"
  exit 77
fi
eval_list=$data/imagenet1k/eval.txt

"$VITCONVERT" reference "$data/deit_tiny" --eval "$eval_list" --json --logits "$work/float.npy" \
  >"$work/float.json"
float_top1=$(json_number "$work/float.json" top1)
echo "float: top-1 $float_top1 %"
hits=$(awk -v p="$float_top1" 'BEGIN { printf "%.0f", p * 744 / 100 }')
# As PyTorch with Pillow has it; stb_image's JPEG differs a little.
slack=0
! matches '^pictures *stb_image$' "$VITRUN" --version || slack=3
[ "$hits" -ge $((583 - slack)) ] && [ "$hits" -le $((583 + slack)) ] || fail "float top-1 is $hits of 744, expected 583"
difference=$("$NPY_COMPARE" "$data/deit_tiny/reference_logits_eval.npy" "$work/float.npy")
echo "float: logits differ by ${difference%% *} of their root mean square"
[ "$slack" -gt 0 ] || at_least 1e-3 "${difference%% *}" || fail "float logits are not PyTorch's"

# check NAME BITS LARGEST_DROP LARGEST_SIZE ROUNDING
check() {
  "$VITCONVERT" convert "$data/deit_tiny" -o "$work/$1.bin" --calib "$data/imagenet1k/calib.txt" --calib-count 32 \
    --method percentile --wbits "$2" --abits 8 --weights "$5"
  "$VITRUN" "$work/$1.bin" --eval "$eval_list" --json >"$work/$1.json"
  local top1
  top1=$(json_number "$work/$1.json" top1)
  echo "$1: top-1 $top1 %, $(stat -c %s "$work/$1.bin") bytes"
  at_least "$top1" "$(awk -v f="$float_top1" -v d="$3" 'BEGIN { print f - d }')" || fail "$1 loses too much"
  at_least "$4" "$(stat -c %s "$work/$1.bin")" || fail "$1 is too large"
}
check w8a8 8 0.6 6200000 feedback
check w8a8_nearest 8 0.6 6200000 nearest
check w4a8 4 2.2 3600000 feedback
check w4a8_nearest 4 5 3600000 nearest

# quantizer METHOD WEIGHT_BITS ACTIVATION_BITS LARGEST_DROP
quantizer() {
  "$VITCONVERT" convert "$data/deit_tiny" -o "$work/q.bin" --calib "$data/imagenet1k/calib.txt" --calib-count 32 \
    --method "$1" --wbits "$2" --abits "$3"
  "$VITRUN" "$work/q.bin" --eval "$eval_list" --json >"$work/q.json"
  local top1
  top1=$(json_number "$work/q.json" top1)
  echo "$1 W$2A$3: top-1 $top1 %"
  at_least "$top1" "$(awk -v f="$float_top1" -v d="$4" 'BEGIN { print f - d }')" || fail "$1 W$2A$3 loses too much"
}
quantizer tsptq 8 8 0.5
quantizer dopq 6 6 1.2
quantizer dopq 4 4 12.2
quantizer igq 4 4 12.2
quantizer adfq 4 4 12.2
quantizer auto 4 4 8.2
