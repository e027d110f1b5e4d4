# Walks the allocations of the tools (walk_allocations.sh) through the commands below, on a network that is so small that a
# run takes little more than its start. A site is tried in the first command that comes to it.
#
#   bash walk_commands.sh SHARE FOLDER [PATTERN]
#
# SHARE is walk_allocations.sh's; FOLDER gets the inputs, if it has none of this build. PATTERN, an extended regular expression,
# chooses commands. VITRUN_SHARED, VITBENCH, VITCONVERT, FAIL_ALLOCATIONS and INTVIT_DEMO_DIR are what tests have.
set -euo pipefail -f
share=$1 in=$(realpath -m "$2") pattern=${3:-}
here=$(realpath "$(dirname "$0")")
vitrun=$VITRUN_SHARED vitbench=$VITBENCH vitconvert=$VITCONVERT demo=$INTVIT_DEMO_DIR

make_inputs() {
  local new=$in.new pictures=$demo/../../tests/golden/pictures
  rm -rf "$new"
  mkdir -p "$new/photos"
  bash "$here/tiny_checkpoint.sh" "$demo" "$new/tiny"
  cp "$demo/examples/stop.jpg" "$demo/examples/roundabout.png" "$new/photos"
  cp "$pictures/lossy.webp" "$pictures/grey.bmp" "$pictures/grey.pgm" "$new"
  printf 'photos/%s\n' "stop.jpg 0" "roundabout.png 1" >"$new/list"
  cd "$new"
  printf '%s\n' one two three four five >labels
  "$vitconvert" convert tiny -o m.bin --calib list --method minmax --threads 1 --ports logits,embedding --write-plan plan.json
  "$vitconvert" convert tiny -o w4.bin --calib list --wbits 4 --abits 4 --threads 1 --calib-cache calib.cache
  "$vitconvert" verify m.bin --write manifest
  "$vitrun" m.bin --eval list --json >eval.json
  "$vitrun" m.bin photos --dump-input frames.npy
  head -c 1024 m.bin >frames.gray
  "$vitrun" m.bin photos --query photos/stop.jpg --cache cache
  "$vitbench" m.bin --runs 3 --warmup 0 --threads 1 --json >old.json
  cd - >/dev/null
  rm -rf "$in"
  mv "$new" "$in"
}
tried=$(mktemp -d)
trap 'rm -rf "$tried"' EXIT
[ "$in" -nt "$vitconvert" ] || make_inputs >/dev/null 2>&1 || { echo "FAILED: inputs in $in.new" >&2 && exit 1; }

failed=0
while read -r program words; do
  [ -n "$program" ] || continue
  name="$program $words"
  [ -z "$pattern" ] || [[ "$name" =~ $pattern ]] || continue
  varies=
  [[ ! "$name" =~ vitbench|sweep|report|--eval|--dry-run|reference|convert\ @ ]] || varies=1  # times are among the results
  # shellcheck disable=SC2086
  set -- $words
  INTVIT_FAULT_VARIES=$varies INTVIT_FAULT_TRIED=$tried/$program bash "$here/walk_allocations.sh" "$share" "$name" "${!program}" \
    "${@//@/$in/}" || failed=1
done <<'END'
vitrun --help
vitrun --version
vitrun --print man
vitrun @m.bin @photos/stop.jpg --threads 1
vitrun @m.bin @photos @grey.bmp @lossy.webp @grey.pgm --threads 2 --json --outputs out --logits l.npy --embedding e.npy
vitrun @m.bin @photos --format jsonl --labels @labels --exif-rotate --limits pixels=9999999
vitrun @m.bin @photos --format csv --shard 1/2
vitrun @m.bin @photos --digest --dump-input input.npy
vitrun @m.bin @frames.npy --input-format npy
vitrun @m.bin @frames.gray --input-format gray --size 32x16 --digest
vitrun @m.bin --eval @list --confusion confusion.csv --json
vitrun @m.bin --eval @list --format csv
vitrun --summarise @eval.json --json
vitrun @m.bin @photos --similarity
vitrun @m.bin @photos --query @photos/stop.jpg --cache new.cache
vitrun @m.bin @photos --query @photos/stop.jpg --cache @cache --json
vitrun @m.bin --selftest
vitrun @m.bin @photos --stats
vitrun @m.bin @photos --attention drawn
vitrun @m.bin @photos --attention drawn --head rollout
vitrun @m.bin --dump list
vitrun @m.bin @photos --dump * --dump-to sites
vitrun --bundle program @m.bin
vitbench --help
vitbench @m.bin --runs 1 --warmup 0 --threads 1,2 --batch 2
vitbench @m.bin --runs 1 --warmup 0 --threads 1 --profile --json
vitbench @m.bin --runs 2 --warmup 0 --threads 1 --trace trace.json --format csv
vitbench @m.bin,@w4.bin --runs 2 --warmup 0 --threads 1 --pictures @photos/stop.jpg --format markdown
vitbench @m.bin --runs 3 --warmup 0 --threads 1 --compare @old.json --tolerance 1000
vitconvert --help
vitconvert convert --help
vitconvert list methods
vitconvert list archs
vitconvert list formats
vitconvert inspect @m.bin
vitconvert inspect @w4.bin --json
vitconvert verify @m.bin
vitconvert verify @m.bin --write manifest --json
vitconvert verify @m.bin --against @manifest
vitconvert compare @m.bin @w4.bin @photos
vitconvert compare @m.bin @w4.bin --json
vitconvert reference @tiny --eval @list --json
vitconvert reference @tiny @photos/stop.jpg --outputs out --logits l.npy --ports logits,tokens --input-size 16
vitconvert plan @tiny --calib @list --method minmax
vitconvert convert @tiny -o o.bin --calib @list --method minmax --weights nearest --dry-run
vitconvert convert @tiny -o o.bin --calib @list --method minmax --threads 1
vitconvert convert @tiny -o o.bin --calib @photos --method percentile --threads 2 --calib-cache new.cache --json
vitconvert convert @tiny -o o.bin --calib @list --wbits 4 --abits 4 --calib-cache @calib.cache
vitconvert convert @tiny -o o.bin --calib @list --plan @plan.json --labels @labels --report report.html --write-plan p.json
vitconvert convert @tiny -o o.bin --calib @list --method repq --abits 4 --site *=bits:8
vitconvert convert @tiny -o o.bin --calib @list --method dopq --abits 4 --min-agree 1
vitconvert convert @tiny -o o.bin --calib @list --method igq --abits 4 --sensitivity --sensitivity-pictures 1
vitconvert convert @tiny -o o.bin --calib @list --method tsptq --abits 4 --max-drop 50 --eval @list
vitconvert convert @tiny -o o.bin --calib @list --method adfq --abits 4 --ports features --layers 0
vitconvert convert @tiny -o o.bin --calib @list --method ptq4vit --abits 4 --wbits 4
vitconvert convert @tiny -o o.bin --calib @list --method auto --max-mb 1 --max-ms 100
vitconvert convert @tiny -o o.bin --calib @list --abits 4 --optimise modules,network
vitconvert report @m.bin @w4.bin -o report.html --eval @list --runs 1
vitconvert sweep @tiny --methods minmax,percentile --bits w8a8 --calib @list --eval @list -o results --latency-runs 1
END
exit $failed
