# Every command of docs/guides/ that stands in a block of sh runs as it is, and pages that are named are there.
. "$(dirname "$0")/common.sh"
root=$(cd "$(dirname "$0")/../.." && pwd)

ln -s "$root/models" "$work/models"
vitconvert() { "$VITCONVERT" "$@"; }
vitrun() { "$VITRUN" "$@"; }
blocks=0
for guide in "$root"/docs/guides/*.md; do
  sed -n '/^```sh$/,/^```$/p' "$guide" | sed 's/^```.*/:/' >"$work/commands"
  blocks=$((blocks + $(grep -c '^:$' "$work/commands") / 2))
  (cd "$work" && . ./commands) >"$work/out" 2>"$work/err" || fail "${guide##*/}: $(cat "$work/err")"
  for page in $(grep -oE '`(\.\./)?[a-z_]+\.md`' "$guide" | tr -d '`'); do
    [ -f "$root/docs/guides/$page" ] || fail "${guide##*/} names $page, which does not exist"
  done
done
[ "$blocks" -ge 11 ] || fail "only $blocks blocks ran"
diff <("$VITRUN" "$work/model.bin" "$work/models/demo/examples" --digest --isa scalar) \
  <("$VITRUN" "$work/model.bin" "$work/models/demo/examples" --digest) || fail "digests differ"
[ -s "$work/models.html" ] && [ -s "$work/w4a4.html" ] || fail "the guides write no pages"
