# Fails the allocations of a command one after the other (fail_allocations.c): each alone, and with all that follow. The
# command must then end with exit code 3 and one line, or with 1 where a picture had no memory, or, where it could do
# without, as it does otherwise; and it leaves no file that it does not leave otherwise.
#
#   bash walk_allocations.sh STRIDE NAME COMMAND...
#
# STRIDE 1 tries every site, 10 every tenth. FAIL_ALLOCATIONS is the library. Commands run in an empty folder.
set -euo pipefail
stride=$1 name=$2
shift 2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# attempt SITE REST COMMAND...: its outcome; SITE may be empty.
attempt() {
  local site=$1 rest=$2 code=0
  shift 2
  rm -rf "$work/cwd"
  mkdir "$work/cwd"
  (cd "$work/cwd" && exec env LD_PRELOAD="$FAIL_ALLOCATIONS" ${site:+INTVIT_FAULT_AT="$site"} \
    ${rest:+INTVIT_FAULT_REST=1} timeout -k 1 60 "$@" >"$work/out" 2>"$work/err" </dev/null) 2>/dev/null || code=$?
  sed -i '/^vitbench: warning: /d' "$work/err"  # that other programs keep the machine busy, say
  local lines
  lines=$(wc -l <"$work/err")
  case "$code $lines" in
    "3 1") outcome=reported ;;
    "1 "*) if grep -q memory "$work/err"; then outcome=reported; else outcome=wrong; fi ;;
    "0 0") if [ -n "$varies" ] || cmp -s "$work/out" "$work/expected"; then outcome=unharmed; else outcome=wrong; fi ;;
    *) outcome=wrong ;;
  esac
  if [ -n "$(cd "$work/cwd" && find . -type f | grep -vxFf "$work/files")" ]; then outcome=wrong; fi
  result="exit code $code, $lines lines: $(head -c 200 "$work/err" | head -n 1)"
}

varies=1  # what the command prints: figures of time do
: >"$work/expected"
: >"$work/files"
INTVIT_FAULT_SITES="$work/sites" attempt "" "" "$@"
cp "$work/out" "$work/expected"
(cd "$work/cwd" && find . -type f) >"$work/files"
case "$result" in
  "exit code 0, 0 lines"*) ;;
  *) echo "FAILED: $name: $result" >&2 && exit 1 ;;
esac
attempt "" "" "$@"
if cmp -s "$work/out" "$work/expected"; then varies=; fi
tried=0 reported=0 wrong=0
for site in $(awk -v stride="$stride" 'NR % stride == 0' "$work/sites"); do
  for rest in "" 1; do
    attempt "$site" "$rest" "$@"
    tried=$((tried + 1))
    case $outcome in
      reported) reported=$((reported + 1)) ;;
      wrong) wrong=$((wrong + 1)) && echo "site $site${rest:+ and all that follow}: $result" >>"$work/wrong" ;;
    esac
  done
done
echo "$name: $(wc -l <"$work/sites") sites, $tried runs, $reported reported, $wrong wrong"
[ "$reported" -gt 0 ] || { echo "FAILED: $name: nothing failed; is it linked statically?" >&2 && exit 1; }
if [ "$wrong" -gt 0 ]; then
  head -n "${INTVIT_FAULT_LINES:-10}" "$work/wrong" >&2
  exit 1
fi
