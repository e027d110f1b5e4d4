# Writes a checkpoint of a tiny Vision Transformer (8 x 8 pixels, 16 channels, one block), with numbers of the demo model.
#   bash tiny_checkpoint.sh DEMO FOLDER
set -euo pipefail
demo=$1 folder=$2
header='' offset=0
# tensor NAME ELEMENTS SHAPE
tensor() {
  local bytes=$(($2 * 2))
  header+="${header:+,}\"$1\":{\"dtype\":\"F16\",\"shape\":[$3],\"data_offsets\":[$offset,$((offset + bytes))]}"
  offset=$((offset + bytes))
}
tensor cls_token 16 1,1,16
tensor pos_embed 80 1,5,16
tensor patch_embed.proj.weight 768 16,3,4,4
tensor patch_embed.proj.bias 16 16
for norm in blocks.0.norm1 blocks.0.norm2 norm; do
  tensor $norm.weight 16 16
  tensor $norm.bias 16 16
done
tensor blocks.0.attn.qkv.weight 768 48,16
tensor blocks.0.attn.qkv.bias 48 48
tensor blocks.0.attn.proj.weight 256 16,16
tensor blocks.0.attn.proj.bias 16 16
tensor blocks.0.mlp.fc1.weight 1024 64,16
tensor blocks.0.mlp.fc1.bias 64 64
tensor blocks.0.mlp.fc2.weight 1024 16,64
tensor blocks.0.mlp.fc2.bias 16 16
tensor head.weight 80 5,16
tensor head.bias 5 5
mkdir -p "$folder"
cat >"$folder/config.json" <<'END'
{"architecture": "tiny", "num_classes": 5, "num_heads": 2, "label_names": ["a", "b", "c", "d", "e"],
 "pretrained_cfg": {"input_size": [3, 8, 8], "crop_pct": 0.9, "mean": [0.5, 0.5, 0.5], "std": [0.25, 0.5, 0.5]}}
END
header="{$header}"
length=$(printf '%016x' ${#header} | sed -E 's/(..)(..)(..)(..)(..)(..)(..)(..)/\\x\8\\x\7\\x\6\\x\5\\x\4\\x\3\\x\2\\x\1/')
{
  printf '%b' "$length"
  printf %s "$header"
  tail -c "$offset" "$demo/model.safetensors"
} >"$folder/model.safetensors"
