# packaging/intvit.spdx lists the very packages that scripts/install_packages.sh installs.
set -euo pipefail
root=$(dirname "$0")/../..
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
sed -n '/packages+\?=(/,/)/p' "$root/scripts/install_packages.sh" | sed 's/.*packages+\?=(//; s/)//' | tr -s ' ' '\n' |
  sed '/^$/d' | sort >"$work/installed"
sed -n 's/^PackageName: //p' "$root/packaging/intvit.spdx" | grep -v '^intvit$' | sort >"$work/listed"
[ "$(wc -l <"$work/installed")" -gt 10 ]
diff "$work/installed" "$work/listed"
