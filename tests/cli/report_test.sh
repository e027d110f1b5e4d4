# The report pages: complete, closed in themselves, and safe whatever things are called.
. "$(dirname "$0")/common.sh"

demo=$INTVIT_DEMO_DIR
calibration=(--calib "$demo/calib.txt" --calib-count 2 --weights nearest)
strange='a & <b>"c".bin'

# page FILE: one page that loads nothing and has no element that is left open.
page() {
  if grep -qE '<script|<link|<iframe|src="[^d]|url\(|@import|javascript:' "$1"; then fail "$1 loads something"; fi
  local tag
  for tag in table tr td th svg figure div span p h2 tbody; do
    [ "$(grep -oE "<$tag[ >]" "$1" | wc -l)" -eq "$(grep -o "</$tag>" "$1" | wc -l)" ] || fail "$1: <$tag> is not closed"
  done
  grep -q 'prefers-color-scheme:dark' "$1" && grep -q '@media print' "$1" || fail "$1 has one style only"
  sed 's/src="data:[^"]*"//g' "$1" >"$work/text"
  if grep -nE '[^a-z](nan|inf)[^a-z]' "$work/text"; then fail "$1 shows what is no number"; fi
}

# conversion NAME OPTIONS...: every site and layer of the plan is in a table of the page.
conversion() {
  local report=$work/$1.html name
  "$VITCONVERT" convert "$demo" -o "$work/$strange" "${calibration[@]}" --report "$report" --write-plan "$work/plan.json" \
    "${@:2}" >/dev/null
  page "$report"
  grep -qF '<title>a &amp; &lt;b&gt;&quot;c&quot;.bin' "$report" || fail "the title is not the model's name: $(grep title "$report")"
  if grep -qF '<b>"c"' "$report"; then fail "a name is not escaped"; fi
  grep -oE '"[a-z_0-9]+(\.[a-z_0-9]+)*": [[{]' "$work/plan.json" | grep -oE '(blocks|head|patch_embed)[a-z_0-9.]*' |
    sort -u >"$work/sites"
  [ "$(wc -l <"$work/sites")" -ge 60 ] || fail "the plan names only $(wc -l <"$work/sites") sites"
  while read -r name; do
    grep -qF "<td class=\"name\">$name</td>" "$report" || fail "$1: $name of the plan is not on the page"
  done <"$work/sites"
  [ "$(grep -c 'blocks.[0-9].attn.post_softmax</td>' "$report")" -eq 6 ] || fail "$1: the page leaves softmax out"
  [ "$(grep -c 'class="distribution"' "$report")" -eq 12 ] || fail "$1: not the worst dozen is drawn"
  [ "$(stat -c %s "$report")" -lt 300000 ] || fail "$1: the page is large"
}

conversion uniform --wbits 4 --abits 4
conversion tables --method adfq --abits 4
grep -q 'a table of 16 levels' "$work/tables.html" || fail "the page names no tables"
cp "$work/$strange" "$work/with.bin"
"$VITCONVERT" convert "$demo" -o "$work/without.bin" "${calibration[@]}" --method adfq --abits 4 >/dev/null
cmp "$work/with.bin" "$work/without.bin" || fail "a report changes the model"

# Models: one, and two with pictures. Of two that differ some answers may.
"$VITCONVERT" convert "$demo" -o "$work/w2.bin" "${calibration[@]}" --wbits 2 --abits 3 >/dev/null
"$VITCONVERT" report "$work/$strange" -o "$work/one.html" --runs 0
page "$work/one.html"
grep -qF '<h2>a &amp; &lt;b&gt;&quot;c&quot;.bin' "$work/one.html" || fail "one model: its name is missing"
grep -q 'blocks.5.mlp.fc2</td>' "$work/one.html" || fail "one model: its steps are missing"
sed -n "s|^|$demo/|; 1,24p" "$demo/test.txt" >"$work/eval.txt"
"$VITCONVERT" report "$work/$strange" "$work/w2.bin" -o "$work/two.html" --runs 2 --eval "$work/eval.txt"
page "$work/two.html"
[ "$(grep -c 'class="scatter"' "$work/two.html")" -eq 2 ] || fail "two models: accuracy against size and time is missing"
top1=$("$VITRUN" "$work/w2.bin" --eval "$work/eval.txt" --json | json_number /dev/stdin top1)
grep -q "<td class=\"n\">$(printf %.2f "$top1")</td>" "$work/two.html" || fail "two models: top-1 is not vitrun's $top1"
changed=$(grep -oE '[0-9]+ of 24 have' "$work/two.html" | grep -oE '^[0-9]+')
[ "$changed" -gt 0 ] || fail "nothing changes from W8A4 to W2A3"
[ "$(grep -c 'data:image/png;base64,iVBORw0KGgo' "$work/two.html")" -eq "$changed" ] || fail "not $changed thumbnails"
"$VITCONVERT" reference "$demo" --eval "$work/eval.txt" --logits "$work/float.npy" --json >"$work/float.json"
"$VITCONVERT" report "$work/w2.bin" -o "$work/float.html" --runs 0 --eval "$work/eval.txt" --float "$work/float.npy"
page "$work/float.html"
grep -q "Float has $(printf %.2f "$(json_number "$work/float.json" top1)") %" "$work/float.html" || fail "float's top-1 is missing"
grep -q 'the float network gives' "$work/float.html" || fail "answers are not compared with float's"
echo "nowhere.png 0" >>"$work/eval.txt"
expect_error 1 "nowhere.png" "$VITCONVERT" report "$work/w2.bin" -o "$work/some.html" --runs 0 --eval "$work/eval.txt"
expect_error 2 "24 x 16 logits" "$VITCONVERT" report "$work/w2.bin" -o "$work/x.html" --eval "$work/eval.txt" --float "$work/float.npy"
grep -q '24 pictures of eval.txt. 1 more cannot be read' "$work/some.html" || fail "the page does not say what failed"
expect_error 3 "nowhere" "$VITCONVERT" report "$work/nowhere" -o "$work/x.html"
expect_error 2 "no label" "$VITCONVERT" report "$work/w2.bin" -o "$work/x.html" --eval "$demo/examples"
[ ! -e "$work/x.html" ] || fail "a failed report leaves a page behind"

# What the model looks at: PNGs that can be read, a name for each of two pictures of one name.
mkdir "$work/other"
cp "$demo/examples/stop.jpg" "$work/other"
"$VITRUN" "$work/w2.bin" "$demo/examples" "$work/other" --attention "$work/attention" >"$work/names"
[ "$(wc -l <"$work/names")" -eq 7 ] && [ -f "$work/attention/stop-2.layer5.mean.png" ] || fail "$(cat "$work/names")"
"$VITRUN" "$work/w2.bin" "$demo/examples/stop.jpg" --attention "$work/attention" --layer 2 --head rollout >"$work/names"
[ "$(cat "$work/names")" = "$work/attention/stop.layer2.rollout.png" ] || fail "$(cat "$work/names")"
"$VITRUN" "$work/w2.bin" "$work/attention" --digest >"$work/digests"
[ "$(cut -d ' ' -f 1 "$work/digests" | sort -u | wc -l)" -ge 7 ] || fail "not every picture has its own map: $(cat "$work/digests")"
expect_error 2 "counted from 0" "$VITRUN" "$work/w2.bin" "$demo/examples" --attention "$work/a" --layer 6
expect_error 2 "rollout or a number" "$VITRUN" "$work/w2.bin" "$demo/examples" --attention "$work/a" --head all
expect_error 2 "no folder" "$VITRUN" "$work/w2.bin" "$demo/examples" --attention "$work/w2.bin"
expect_error 2 "--layer" "$VITRUN" "$work/w2.bin" "$demo/examples" --layer 1
[ ! -e "$work/a" ] || fail "a refusal leaves a folder behind"
"$VITCONVERT" convert "$demo/../swin_demo" -o "$work/swin.bin" "${calibration[@]}" --method minmax >/dev/null
"$VITRUN" "$work/swin.bin" "$demo/examples/stop.jpg" --attention "$work/attention" --layer 1 >/dev/null
expect_error 2 "use --head mean" "$VITRUN" "$work/swin.bin" "$demo/examples" --attention "$work/a" --head rollout
