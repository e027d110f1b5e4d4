# Manual pages and completions, which the tools print: they name every option of --help, and shells and man read them.
. "$(dirname "$0")/common.sh"

# options TEXT: the names of options there, a line each.
options() { grep -oE -- '--[a-z][a-z0-9-]*' "$1" | sort -u; }

for program in "$VITRUN" "$VITCONVERT" "$VITBENCH"; do
  tool=${program##*/}
  "$program" --help | sed '/^Exit codes/,$d' >"$work/help"
  for command in $(sed -n '/^Subcommands/,/^$/s/^  \([a-z]*\) .*/\1/p' "$work/help"); do
    "$program" "$command" --help | sed '/^Exit codes/,$d' >>"$work/help"
  done
  options "$work/help" >"$work/expected"
  [ "$(wc -l <"$work/expected")" -gt 10 ] || fail "$tool --help names few options"
  for what in man bash zsh fish; do
    "$program" --print "$what" >"$work/$what"
    # fish writes `-l name` for --name.
    sed 's/\\-/-/g; s/ -l \([a-z]\)/ --\1/g' "$work/$what" >"$work/plain"
    options "$work/plain" >"$work/got"
    missing=$(comm -23 "$work/expected" "$work/got")
    [ -z "$missing" ] || fail "$tool --print $what lacks" $missing
  done
  for shell in bash zsh fish; do
    ! command -v "$shell" >/dev/null || "$shell" -n "$work/$shell" || fail "$shell cannot read its completion of $tool"
  done
  if command -v man >/dev/null; then
    warnings=$(LC_ALL=C.UTF-8 man --warnings -l "$work/man" 2>&1 >/dev/null)
    [ -z "$warnings" ] || fail "man complains of $tool's page: $warnings"
  fi
  expect_error 2 "--print" "$program" --print nothing
done

# What bash offers.
offered() {
  "$VITCONVERT" --print bash >"$work/bash"
  bash -c '. "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _vitconvert; echo "${COMPREPLY[*]}"' - "$work/bash" "$@"
}
[ "$(offered vitconvert sw)" = sweep ] || fail "no subcommand was offered"
[ "$(offered vitconvert convert --wb)" = --wbits ] || fail "no option was offered"
[ "$(offered vitconvert convert --wbits "")" = "2 3 4 5 6 8" ] || fail "no values were offered"
[ "$(offered vitconvert list "")" = "methods archs formats" ] || fail "no words were offered"
