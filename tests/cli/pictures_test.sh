# Pictures of every kind through vitrun: results that do not depend on memory, refusals that keep the others going.
. "$(dirname "$0")/common.sh"

model=$(dirname "$0")/../golden/models/demo_w8a8_opset2.bin
goldens=$(dirname "$0")/../golden/pictures
mapfile -t pictures < <(ls "$goldens"/*.{jpg,png,bmp,pnm,pgm,webp})

# Memory that was allocated and never written would show.
for byte in 85 170; do
  MALLOC_PERTURB_=$byte expect_exit 1 "$VITRUN" "$model" "${pictures[@]}" --digest --threads 2
  cp "$work/out" "$work/digests.$byte"
  grep -v " note: " "$work/err" >"$work/refused.$byte"
done
cmp "$work/digests.85" "$work/digests.170" || fail "digests depend on what was in memory before"
cmp "$work/refused.85" "$work/refused.170" || fail "refusals depend on what was in memory before"
[ "$(wc -l <"$work/digests.85")" -gt 60 ] || fail "too few pictures were read: $(cat "$work/refused.85")"
[ "$(cat "$work/digests.85" "$work/refused.85" | wc -l)" -eq "${#pictures[@]}" ] || fail "a picture is missing"

# EXIF's orientation: told once, applied only where that is asked for.
turned=("$goldens"/exif_6.jpg "$goldens"/exif_8.jpg)
run() { expect_exit 0 "$VITRUN" "$model" --digest "$@"; }
run "${turned[@]}"
cp "$work/out" "$work/as_it_is"
grep -q 'exif_6.jpg has an EXIF orientation (6), which is not applied' "$work/err" || fail "no note: $(cat "$work/err")"
[ "$(wc -l <"$work/err")" -eq 1 ] || fail "more than one note: $(cat "$work/err")"
run "${turned[@]}" --exif-rotate
[ ! -s "$work/err" ] || fail "a note on what was applied: $(cat "$work/err")"
[ "$(paste "$work/as_it_is" "$work/out" | awk '$1 != $3' | wc -l)" -eq 2 ] || fail "--exif-rotate changed nothing"
run "$goldens/exif_6.jpg.turned.ppm"
first=$(cut -c 1-16 "$work/out")
run "$goldens/exif_6.jpg" --exif-rotate
matches '^pictures *stb_image$' "$VITRUN" --version || [ "$(cut -c 1-16 "$work/out")" = "$first" ] || fail "turned wrongly"
expect_exit 0 "$VITCONVERT" reference "$INTVIT_DEMO_DIR" "${turned[@]}" --logits "$work/logits.npy" --threads 2
[ "$(grep -c 'has an EXIF orientation' "$work/err")" -eq 1 ] || fail "reference has no note: $(cat "$work/err")"
run "$goldens/grey_16.png"
grep -q 'grey of 16 bits, which is clipped' "$work/err" || fail "no note on clipped grey"

# Limits are named when a picture goes beyond them.
expect_error 1 "the limit 'pixels' is 100" "$VITRUN" "$model" "$goldens/rgb_8.png" --digest --limits pixels=100
expect_error 1 "the limit 'file' is 1000" "$VITRUN" "$model" "$goldens/rgb_8.png" --digest --limits scans=1,file=1K
expect_exit 1 "$VITCONVERT" reference "$INTVIT_DEMO_DIR" "$goldens/rgb_8.png" --logits "$work/logits.npy" --limits pixels=100
grep -qF "the limit 'pixels' is 100" "$work/err" || fail "limits of vitconvert: $(cat "$work/err")"
expect_error 2 "--limits 'pixel=3' must be" "$VITRUN" "$model" "$goldens/rgb_8.png" --limits pixel=3

# What is no file is refused without waiting for anything.
mkdir "$work/folder.jpg"
mkfifo "$work/pipe.jpg"
expect_error 1 "it is a pipe" timeout 20 "$VITRUN" "$model" "$work/pipe.jpg" --digest
expect_error 1 "it is a device" timeout 20 "$VITRUN" "$model" /dev/null --digest
echo "$work/folder.jpg 0" >"$work/list"
expect_exit 1 "$VITRUN" "$model" --eval "$work/list"
grep -qF "it is a folder" "$work/err" || fail "$(cat "$work/err")"
echo "pictures are read as they should be"
