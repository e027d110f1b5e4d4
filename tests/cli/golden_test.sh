# Model files that an earlier build wrote must still be read, and give the very outputs that they gave when they were
# written, on this machine's instruction sets: the promise across builds and machines. Digests were made with --isa scalar.
# A change of arithmetic needs a new op set, new files and new digests.
. "$(dirname "$0")/common.sh"
golden=$(dirname "$0")/../golden/models
checked=0
while read -r model digest picture; do
  for isa in $(isas); do
    got=$("$VITRUN" "$golden/demo_$model.bin" "$golden/pictures/$picture" --isa "$isa" --digest)
    [ "${got%% *}" = "$digest" ] || fail "$model, $picture, $isa: digest ${got%% *}, expected $digest"
    checked=$((checked + 1))
  done
done <"$golden/digests.txt"
[ "$checked" -ge 30 ] || fail "only $checked digests were compared"
echo "$checked digests are as recorded, on: $(isas)"
