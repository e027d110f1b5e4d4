# Pictures of every kind through vitrun: results that do not depend on memory, refusals that keep the others going.
. "$(dirname "$0")/common.sh"

model=$(dirname "$0")/../golden/models/demo_w8a8_opset2.bin
goldens=$(dirname "$0")/../golden/pictures
mapfile -t pictures < <(ls "$goldens"/*.{jpg,png,bmp,pnm,pgm,webp})

# Memory that was allocated and never written would show.
for byte in 85 170; do
  MALLOC_PERTURB_=$byte expect_exit 1 "$VITRUN" "$model" "${pictures[@]}" --digest --threads 2
  cp "$work/out" "$work/digests.$byte"
  cp "$work/err" "$work/refused.$byte"
done
cmp "$work/digests.85" "$work/digests.170" || fail "digests depend on what was in memory before"
cmp "$work/refused.85" "$work/refused.170" || fail "refusals depend on what was in memory before"
[ "$(wc -l <"$work/digests.85")" -gt 60 ] || fail "too few pictures were read: $(cat "$work/refused.85")"
[ "$(cat "$work/digests.85" "$work/refused.85" | wc -l)" -eq "${#pictures[@]}" ] || fail "a picture is missing"

# What is no file is refused without waiting for anything.
mkdir "$work/folder.jpg"
mkfifo "$work/pipe.jpg"
expect_error 1 "it is a pipe" timeout 20 "$VITRUN" "$model" "$work/pipe.jpg" --digest
expect_error 1 "it is a device" timeout 20 "$VITRUN" "$model" /dev/null --digest
echo "$work/folder.jpg 0" >"$work/list"
expect_exit 1 "$VITRUN" "$model" --eval "$work/list"
grep -qF "it is a folder" "$work/err" || fail "$(cat "$work/err")"
echo "pictures are read as they should be"
