# The example programs of the library say what vitrun says. That in Python has a test of its own.
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

# In C: three classes and their probabilities, of a picture's file.
picture=$INTVIT_DEMO_DIR/examples/stop.jpg
"$EXAMPLE_C" "$model" "$picture" >"$work/c"
[ "$(wc -l <"$work/c")" -eq 3 ] || fail "the example in C gives three classes, not: $(cat "$work/c")"
expected=$("$VITRUN" "$model" "$picture" --topk 3 | sed -n 's/.*%  *//p')
[ "$(cut -f 2 "$work/c")" = "$expected" ] || fail "the example in C says '$(cut -f 2 "$work/c")', vitrun says '$expected'"
percent=$(head -n 1 "$work/c" | awk -F '\t' '{ printf "%.1f", 100 * $3 }')
matches "${percent//./\\.}" "$VITRUN" "$model" "$picture" --topk 1 || fail "vitrun does not say $percent %"
expect_error 1 "no_such.jpg" "$EXAMPLE_C" "$model" "$work/no_such.jpg"
expect_error 1 "no_such.bin" "$EXAMPLE_C" "$work/no_such.bin" "$picture"

# Frames from memory: every build has these integers.
"$EXAMPLE_FRAMES" "$model" 3 >"$work/frames" 2>"$work/rate"
cat >"$work/expected" <<END
frame 0: class 2, logit 161097
frame 1: class 2, logit 198344
frame 2: class 2, logit 253645
END
cmp "$work/expected" "$work/frames" || fail "the frames have other classes: $(cat "$work/frames")"
grep -q '^[0-9.]* frames per second$' "$work/rate" || fail "no rate of frames: $(cat "$work/rate")"
