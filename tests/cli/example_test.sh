# The example program of the library names what vitrun names, from raw pixels.
. "$(dirname "$0")/common.sh"

# A grey picture: what it shows does not matter, only that both paths agree. BMP: 54 bytes of header, then bottom-up BGR;
# every pixel is the same grey, so order and direction do not matter either.
size=80
pixels=$((size * size * 3))
head -c "$pixels" /dev/zero | tr '\0' '\170' >"$work/grey.rgb"
le32() { printf "\\x$(printf %02x $(($1 & 255)))\\x$(printf %02x $(($1 >> 8 & 255)))\\x$(printf %02x $(($1 >> 16 & 255)))\\x00"; }
{
  printf 'BM'; le32 $((54 + pixels)); le32 0; le32 54
  le32 40; le32 "$size"; le32 "$size"; printf '\x01\x00\x18\x00'; le32 0; le32 "$pixels"; le32 2835; le32 2835; le32 0; le32 0
  cat "$work/grey.rgb"
} >"$work/grey.bmp"
model=$(dirname "$0")/../golden/models/demo_w8a8_opset2.bin
expected=$("$VITRUN" "$model" "$work/grey.bmp" --topk 1 | sed -n 's/.*%  *//p')
got=$("$EXAMPLE" "$model" "$work/grey.rgb" "$size" "$size")
[ -n "$got" ] && [ "$got" = "$expected" ] || fail "the example says '$got', vitrun says '$expected'"
expect_error 1 "does not hold" "$EXAMPLE" "$model" "$work/grey.rgb" 7 7
echo "both say $got"
