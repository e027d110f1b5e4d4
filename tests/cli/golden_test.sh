# Model files that an earlier build wrote must still be read, and give the very outputs that they gave when they were
# written, on this machine's instruction sets: the promise across builds and machines. Digests were made with --isa scalar.
# A change of arithmetic needs a new op set, new files and new digests.
. "$(dirname "$0")/common.sh"
golden=$(cd "$(dirname "$0")/../golden/models" && pwd)
checked=0
for file in "$golden"/*.bin; do
  model=$(basename "$file" .bin)
  pictures=()
  while read -r recorded _ picture; do
    [ "$recorded" != "$model" ] || pictures+=("$picture")
  done <"$golden/digests.txt"
  [ ${#pictures[@]} -gt 0 ] || fail "digests.txt has no digest of $model.bin"
  for isa in $(isas); do
    (cd "$golden/pictures" && "$VITRUN" "$file" "${pictures[@]}" --isa "$isa" --threads 1 --digest) |
      sed "s/^\([0-9a-f]*\) */$model \1 /" >"$work/digests"
    grep "^$model " "$golden/digests.txt" | diff - "$work/digests" || fail "$model on $isa"
    checked=$((checked + ${#pictures[@]}))
  done
done
# Those of a file that is gone would not be missed.
wanted=$(($(wc -l <"$golden/digests.txt") * $(isas | wc -w)))
[ "$checked" -eq "$wanted" ] || fail "$checked digests were compared, not $wanted"
echo "$checked digests are as recorded, on: $(isas)"
