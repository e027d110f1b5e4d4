# Networks with random weights whose outputs an independent implementation computed, where they are on this machine:
# the float network's outputs, those of the integer model, and the same bits on every instruction set.
. "$(dirname "$0")/common.sh"
data=${INTVIT_SHARED_DATA:-}
if [ -z "$data" ] || [ ! -d "$data/networks/dev" ]; then
  echo "SKIPPED: INTVIT_SHARED_DATA does not name a folder with networks/dev"
  exit 77
fi
pictures=$data/preprocess/src

# compare NAME OUTPUT WANTED GOT: what npy_compare says is in `difference`, `sqnr` and `cosine`.
compare() {
  local result
  result=$("$NPY_COMPARE" "$3" "$4") || fail "$1: shapes of $2 differ"
  read -r difference sqnr cosine <<<"$result"
  echo "$1 $2: largest difference $difference, SQNR $sqnr dB, least cosine $cosine" >&2
}

# expected FOLDER OUTPUT SUFFIX: the file. `pooled` is our embedding where nothing is projected.
expected() {
  local file=$1/expected_$2$3.npy
  if [ "$2" = embedding ] && [ ! -e "$file" ]; then file=$1/expected_pooled$3.npy; fi
  echo "$file"
}

# check NAME [SIZE]: all outputs that are expected, of pictures of the network's own size or of another one.
check() {
  local folder=$data/networks/dev/$1 name="$1${2:+ at $2}" suffix=${2:+_$2} ports='' size=() output file isa
  if [ $# -gt 1 ]; then size=(--input-size "$2"); fi
  for output in logits embedding tokens features; do
    [ ! -e "$(expected "$folder" $output "$suffix")" ] || ports+=,$output
  done
  ports=${ports#,}
  [ -n "$ports" ] || fail "$name: nothing is expected of it"
  "$VITCONVERT" reference "$folder" "$pictures"/{0,1,2,3}.png --ports "$ports" --outputs "$work/float" "${size[@]}"
  "$VITCONVERT" convert "$folder" -o "$work/model.bin" --calib "$pictures" --method auto --ports "$ports" \
    "${size[@]}" >"$work/out"
  for isa in $(isas); do
    "$VITRUN" "$work/model.bin" "$pictures"/{0,1,2,3}.png --isa "$isa" --outputs "$work/$isa" >"$work/out"
  done
  for output in ${ports//,/ }; do
    file=$(expected "$folder" "$output" "$suffix")
    compare "$name (float)" "$output" "$file" "$work/float/$output.npy"
    at_least 2e-5 "$difference" || fail "$name: $output of the float network"
    compare "$name (integers)" "$output" "$file" "$work/scalar/$output.npy"
    at_least "$sqnr" 22 && at_least "$cosine" 0.998 || fail "$name: $output of the integer model"
    for isa in $(isas); do
      cmp "$work/scalar/$output.npy" "$work/$isa/$output.npy" || fail "$name: $output on $isa"
    done
  done
}

# check_stage NAME STAGE: the map that a stage of the float network leaves for the first picture.
check_stage() {
  local folder=$data/networks/dev/$1
  "$VITCONVERT" reference "$folder" "$pictures/0.png" --ports logits --layers "$(($2 - 1))" \
    --outputs "$work/stage"
  compare "$1 (float)" "stage $2" "$folder/expected_stage$2.npy" "$work/stage/features.$(($2 - 1)).npy"
  at_least 2e-5 "$difference" || fail "$1: stage $2 of the float network"
}

for network in vit_timm_gap vit_timm_prenorm vit_timm_reg_gap dinov2_timm_reg dinov2_timm_swiglu dinov2_hf clip_hf \
  clip_open_clip_quick siglip_hf beit_timm eva02_timm swin_timm_224 swin_timm_pad \
  swin_timm_shrink swin2_torchvision_128; do
  check "$network"
done
check dinov2_timm_reg 126
check vit_timm_resized 80
check vit_timm_resized 208
check_stage swin_timm_224 2
check_stage swin_timm_pad 1
check_stage swin_timm_shrink 1
