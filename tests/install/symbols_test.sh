# The shared libraries show exactly what symbols.txt lists: programs link against these, so one that is gone is an error and
# a new one a decision. LIBRARIES are the files, NM is nm. INTVIT_RECORD_SYMBOLS=1 writes the list.
. "$(dirname "$0")/../cli/common.sh"
list=$(cd "$(dirname "$0")" && pwd)/symbols.txt

for library in $LIBRARIES; do
  echo "${library##*/}"
  "$NM" -DC --defined-only "$library" | sed -E 's/^[0-9a-f]+ ([A-Za-z]) /  \1 /' | LC_ALL=C sort -u
done | sed -E 's/^([^ ]*\.so)\..*/\1/' >"$work/symbols"
if [ -n "${INTVIT_RECORD_SYMBOLS:-}" ]; then
  cp "$work/symbols" "$list"
fi
diff -u "$list" "$work/symbols" || fail "other symbols than in $list; if that is meant, INTVIT_RECORD_SYMBOLS=1 records them"
echo "$(grep -c '^ ' "$list") symbols"
