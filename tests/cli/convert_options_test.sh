# What `vitconvert convert` and `plan` have beside methods and bits: rules for sites, plans to edit, dry runs.
. "$(dirname "$0")/common.sh"
demo=$INTVIT_DEMO_DIR
few=(--calib "$demo/calib.txt" --calib-count 4 --wbits 4 --abits 4)

# A plan without a model, which converts to the same integers.
"$VITCONVERT" plan "$demo" "${few[@]}" -o "$work/plan.json"
"$VITCONVERT" plan "$demo" "${few[@]}" | cmp - "$work/plan.json" || fail "a plan on stdout is another one"
"$VITCONVERT" convert "$demo" "${few[@]}" -o "$work/a.bin" --write-plan "$work/used.json" >/dev/null
cmp "$work/plan.json" "$work/used.json" || fail "convert uses another plan than plan prints"
expect_error 2 "cannot write the plan" "$VITCONVERT" plan "$demo" "${few[@]}" -o "$work/no/plan.json"

# Rules for sites.
expect_exit 0 "$VITCONVERT" convert "$demo" "${few[@]}" -o "$work/b.bin" --site 'blocks.*.mlp.fc2=bits:8' --site '*.fc2.input=bits:8'
"$VITCONVERT" inspect "$work/b.bin" >"$work/inspect"
grep -q 'activation_bits  *4-8' "$work/inspect" && grep -q 'weight_bits  *4-8' "$work/inspect" || fail "--site changed nothing"
grep -qF 'blocks.*.mlp.fc2=bits:8, *.fc2.input=bits:8' "$work/inspect" || fail "the rules are not recorded"
expect_error 2 "did you mean 'blocks.0.mlp.fc1.input'" "$VITCONVERT" convert "$demo" "${few[@]}" -o "$work/x.bin" \
  --site 'blocks.*.mlp.fc3.input=bits:8'
expect_error 2 "names no knob" "$VITCONVERT" convert "$demo" "${few[@]}" -o "$work/x.bin" --site '*=aside:3'
expect_error 2 "goes with neither" "$VITCONVERT" convert "$demo" "${few[@]}" -o "$work/x.bin" --site '*=bits:8' --plan "$work/plan.json"

# Dry runs write nothing, read no picture, and know the file's size.
echo "missing.png" >"$work/missing.txt"
expect_exit 0 "$VITCONVERT" convert "$demo" -o "$work/x.bin" --calib "$work/missing.txt" --wbits 4 --abits 4 --dry-run --json
near "$(json_number "$work/out" bytes)" "$(stat -c %s "$work/a.bin")" 2000 || fail "size of a dry run: $(cat "$work/out")"
expect_exit 0 "$VITCONVERT" convert "$demo" -o "$work/x.bin" --calib "$work/missing.txt" --dry-run
grep -q "KiB a picture" "$work/out" || fail "dry run: $(cat "$work/out")"
[ ! -e "$work/x.bin" ] || fail "something was written"
echo "convert's options work"
