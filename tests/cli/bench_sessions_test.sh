# What vitbench's sessions are: rows tell what ran, not what was asked for, and sessions of one model must agree.
. "$(dirname "$0")/common.sh"

model=$(dirname "$0")/../golden/models/demo_w8a8_opset2.bin
bench() { "$VITBENCH" "$model" --runs 1 --warmup 0 "$@"; }

# rows ISA...: a row per instruction set, threads and batch, in this order.
rows() {
  for isa in "$@"; do
    for threads in 1 2; do
      for batch in 1 3; do echo "$isa,$threads,$batch"; done
    done
  done
}
expect_exit 0 bench --isa all --threads 1,2 --batch 1,3 --csv
# shellcheck disable=SC2046
diff <(rows $(isas)) <(tail -n +2 "$work/out" | cut -d , -f 2-4) || fail "other sessions ran"
for isa in $(isas); do
  INTVIT_ISA=$isa expect_exit 0 bench --threads 1 --csv
  [ "$(tail -n 1 "$work/out" | cut -d , -f 2)" = "$isa" ] || fail "INTVIT_ISA=$isa has no effect: $(cat "$work/out")"
done

# What else a row says, by what other programs say about the same, or that it is there at all.
pictures=("$INTVIT_DEMO_DIR"/test/*)
expect_exit 0 bench --threads 2 --isa scalar --pictures "${pictures[0]}" --json
digest=$("$VITRUN" "$model" "${pictures[0]}" --digest)
grep -qF "\"logits_digest\": \"${digest%% *}\"" "$work/out" || fail "vitrun's digest is $digest: $(cat "$work/out")"
grep -qE '"model_digest": "[0-9a-f]{16}"' "$work/out" || fail "no digest of the model: $(cat "$work/out")"
for key in peak_rss_mib cold_start_ms cold_open_ms cold_run_ms barrier_ns median_ms gmac_per_image peak_gmac_per_s percent_of_peak; do
  at_least "$(json_number "$work/out" "$key")" 0.000001 || fail "$key: $(cat "$work/out")"
done
at_least 1 "$(json_number "$work/out" gmac_per_image)" || fail "billions in a small model: $(cat "$work/out")"

# The tolerance is the one that was given, and what differs besides it is said.
sed 's/"times_ms": .*/"times_ms": [0.000001, 0.000001]/; s/"cpu": ".*"/"cpu": "another"/' "$work/out" >"$work/old.json"
expect_exit 5 bench --threads 2 --isa scalar --pictures "${pictures[0]}" --compare "$work/old.json" --tolerance 7.5
grep -qF "by more than 7.5 %" "$work/err" || fail "$(cat "$work/err")"
grep -qF "warning: the old rows have another CPU: 'another'" "$work/err" || fail "$(cat "$work/err")"

# The picture is another one each time that it is read, so sessions cannot agree. Were it ever the same by chance, another
# try would tell.
ln -s "${pictures[0]}" "$work/picture"
expect_exit 0 bench --isa all --threads 1 --pictures "$work/picture"
(
  while :; do
    for picture in "${pictures[@]}"; do
      [ ! -e "$work/stop" ] && ln -s "$picture" "$work/next" && mv -T "$work/next" "$work/picture" || exit 0
    done
  done
) 2>/dev/null &
changer=$!
# It ends by itself: what it had started would outlive a signal, and put a file into the folder that goes.
trap 'touch "$work/stop"; wait $changer || true; rm -rf "$work"' EXIT
for attempt in 1 2 3 4 5 6 7 8; do
  code=0
  bench --isa all --threads 1,2 --pictures "$work/picture" --json >"$work/out" 2>"$work/err" || code=$?
  [ "$code" -eq 0 ] || break
done
[ "$code" -eq 5 ] || fail "sessions that differ gave exit code $code in attempt $attempt: $(cat "$work/err")"
[ "$(grep -vc "warning: " "$work/err")" -eq 1 ] || fail "one line should say what differs: $(cat "$work/err")"
grep -qE "gives other results with [a-z0-9]+, [12] threads and batch 1 than with scalar, 1 threads" "$work/err" ||
  fail "$(cat "$work/err")"
grep -q '"logits_digest"' "$work/out" || fail "the results should be there nevertheless"
echo "rows are what ran, and sessions that differ are noticed"
