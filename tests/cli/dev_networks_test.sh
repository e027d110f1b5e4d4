# Networks with random weights whose outputs an independent implementation computed, where they are on this machine:
# the float network's outputs, those of the integer model, and the same bits on every instruction set.
. "$(dirname "$0")/common.sh"
data=${INTVIT_SHARED_DATA:-}
if [ -z "$data" ] || [ ! -d "$data/networks/dev" ]; then
  echo "SKIPPED: INTVIT_SHARED_DATA does not name a folder with networks/dev"
  exit 77
fi
pictures=$data/preprocess/src

# compare NAME OUTPUT WANTED GOT: prints what npy_compare says.
compare() {
  local result
  result=$("$NPY_COMPARE" "$3" "$4") || fail "$1: shapes of $2 differ"
  echo "$1 $2: largest difference and SQNR $result" >&2
  echo "$result"
}

# check NAME: its outputs have the names of the files expected_OUTPUT.npy; `pooled` is our embedding.
check() {
  local folder=$data/networks/dev/$1 ports='' output file result isa
  for file in "$folder"/expected_{logits,pooled,tokens}.npy; do
    [ ! -e "$file" ] || ports+=,$(basename "$file" .npy | sed 's/expected_//; s/pooled/embedding/')
  done
  ports=${ports#,}
  "$VITCONVERT" reference "$folder" "$pictures"/{0,1,2,3}.png --ports "$ports" --outputs "$work/float"
  "$VITCONVERT" convert "$folder" -o "$work/model.bin" --calib "$pictures" --method auto --ports "$ports" >"$work/out"
  for isa in $(isas); do
    "$VITRUN" "$work/model.bin" "$pictures"/{0,1,2,3}.png --isa "$isa" --outputs "$work/$isa" >"$work/out"
  done
  for output in ${ports//,/ }; do
    file=$folder/expected_${output/embedding/pooled}.npy
    result=$(compare "$1 (float)" "$output" "$file" "$work/float/$output.npy")
    at_least 1e-4 "${result% *}" || fail "$1: $output of the float network"
    result=$(compare "$1 (integers)" "$output" "$file" "$work/scalar/$output.npy")
    at_least "${result#* }" 25 || fail "$1: $output of the integer model"
    for isa in $(isas); do
      cmp "$work/scalar/$output.npy" "$work/$isa/$output.npy" || fail "$1: $output on $isa"
    done
  done
}

for network in vit_timm_gap vit_timm_prenorm vit_timm_reg_gap dinov2_timm_reg; do check "$network"; done
