# Fails the allocations of a command one after the other (fail_allocations.c): each alone, and with all that follow. The
# command must then end with exit code 3 and one line that it does not print otherwise, or with 1 where a picture had no
# memory, or, where it could do without, as it does otherwise; and it leaves no file that it does not leave otherwise.
#
#   bash walk_allocations.sh SHARE NAME COMMAND...
#
# SHARE K/N tries the sites of which the number divided by N leaves K: all sites are those of 0/N to N-1/N. Commands run in
# an empty folder. FAIL_ALLOCATIONS is the library. These may be set, too:
#   INTVIT_FAULT_VARIES   what the command prints differs from run to run
#   INTVIT_FAULT_TRIED    a file: its sites are left out, and those that are tried are added; commands of a program begin alike
#   INTVIT_FAULT_FIGURES  a file that gets a line: share, name, sites and runs, and how many of these were reported, unharmed (it
#                         could do without), missed (the site was not reached) and wrong
set -euo pipefail
share=$1 name=$2
shift 2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
known=${INTVIT_FAULT_TRIED:-$work/tried}
touch "$known"

# attempt SITE REST COMMAND...: its outcome; SITE may be empty.
attempt() {
  local site=$1 rest=$2 code=0
  shift 2
  rm -rf "$work/cwd" "$work/failed"
  mkdir "$work/cwd"
  (cd "$work/cwd" && exec env LD_PRELOAD="$FAIL_ALLOCATIONS" ${site:+INTVIT_FAULT_AT="$site" INTVIT_FAULT_SITES="$work/failed"} \
    ${rest:+INTVIT_FAULT_REST=1} timeout -k 1 60 "$@" >"$work/out" 2>"$work/err" </dev/null) 2>/dev/null || code=$?
  sed -i '/^[a-z]*: \(warning\|note\): /d' "$work/err"  # that other programs keep the machine busy, say
  grep -vxFf "$work/usual" "$work/err" >"$work/unusual" || true
  mv "$work/unusual" "$work/err"
  local lines
  lines=$(wc -l <"$work/err")
  case "$code $lines" in
    "3 1") outcome=reported ;;
    "1 "*) if grep -qE "memory|allocate|cannot start . threads" "$work/err"; then outcome=reported; else outcome=wrong; fi ;;
    "0 0") if [ -n "$varies" ] || cmp -s "$work/out" "$work/expected"; then outcome=unharmed; else outcome=wrong; fi ;;
    *) outcome=wrong ;;
  esac
  if [ -n "$(cd "$work/cwd" && find . -type f | grep -vxFf "$work/files")" ]; then outcome=wrong; fi
  if [ "$outcome" = unharmed ] && [ ! -s "$work/failed" ]; then outcome=missed; fi
  result="exit code $code, $lines lines: $(head -c 200 "$work/err" | head -n 1)"
}

varies=1  # what the command prints: figures of time do
: >"$work/expected"
: >"$work/files"
: >"$work/usual"
INTVIT_FAULT_SITES="$work/sites" attempt "" "" "$@"
cp "$work/out" "$work/expected"
cp "$work/err" "$work/usual"
(cd "$work/cwd" && find . -type f) >"$work/files"
[[ "$result" = "exit code 0"* ]] || { echo "FAILED: $name: $result" >&2 && exit 1; }
[ -s "$work/sites" ] || { echo "FAILED: $name: nothing was allocated; is it linked statically?" >&2 && exit 1; }
varies=${INTVIT_FAULT_VARIES:-}
awk -v part="${share%/*}" -v parts="${share#*/}" '
  FILENAME == ARGV[1] { known[$1] = 1; next }
  $1 % parts == part && !($1 in known)' "$known" "$work/sites" >"$work/share"
declare -A count=([reported]=0 [unharmed]=0 [missed]=0 [wrong]=0)
while read -r site; do
  for rest in "" 1; do
    # Where several threads share the work, which of them comes to a site differs from run to run.
    for _ in 1 2 3 4; do
      attempt "$site" "$rest" "$@"
      [ "$outcome" = missed ] || break
    done
    count[$outcome]=$((count[$outcome] + 1))
    [ "$outcome" != wrong ] || echo "site $site${rest:+ and all that follow}: $result" >>"$work/wrong"
  done
done <"$work/share"
cat "$work/share" >>"$known"
tried=$(wc -l <"$work/share")
echo "$name: $(wc -l <"$work/sites") sites, $tried tried, $((2 * tried)) runs, ${count[reported]} reported," \
  "${count[unharmed]} unharmed, ${count[missed]} not reached, ${count[wrong]} wrong"
if [ -n "${INTVIT_FAULT_FIGURES:-}" ]; then
  printf '%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n' "$share" "$name" "$tried" $((2 * tried)) "${count[reported]}" \
    "${count[unharmed]}" "${count[missed]}" "${count[wrong]}" >>"$INTVIT_FAULT_FIGURES"
fi
if [ "${count[wrong]}" -gt 0 ]; then
  head -n "${INTVIT_FAULT_LINES:-10}" "$work/wrong" >&2
  exit 1
fi
