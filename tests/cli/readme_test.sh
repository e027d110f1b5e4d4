# The snippets of README.md and docs/library.md compile without a warning, with C++17 and C11.
. "$(dirname "$0")/common.sh"
root=$(cd "$(dirname "$0")/../.." && pwd)

# snippets FILE LANGUAGE HEAD: each block of that language as a file of its own, $work/LANGUAGE.N, with what it includes in front
# of a function with the head HEAD that has the rest.
snippets() {
  awk -v language="$2" -v to="$work/$2." -v head="$3" '
    $0 == "```" language { inside = 1; file = to (++count); body = ""; includes = ""; next }
    /^```$/ && inside { inside = 0; printf "%s\n%s\n{\n%s}\n", includes, head, body >file; close(file) }
    inside && /^#/ { includes = includes $0 "\n"; next }
    inside { body = body $0 "\n" }
    END { exit count < 1 }' "$1" || fail "$1 has no block of $2"
}

flags=(-Wall -Wextra -Wpedantic -Werror -fsyntax-only -I "$root/include")
# Pixels, and whatever uses an answer, are the application's.
arguments='const uint8_t* rgb, int width, int height, ptrdiff_t stride'
checked=0
for page in README.md docs/library.md; do
  snippets "$root/$page" cpp "void use(const void*); void snippet($arguments); void snippet($arguments)"
  snippets "$root/$page" c "void use(const void* answer); void snippet($arguments); void snippet($arguments)"
  for file in "$work"/cpp.*; do
    "$CXX" -std=c++17 "${flags[@]}" -x c++ "$file" 2>"$work/err" || fail "$page, ${file##*/}: $(cat "$work/err")"
    checked=$((checked + 1))
  done
  for file in "$work"/c.*; do
    "$CC" -std=c11 "${flags[@]}" -x c "$file" 2>"$work/err" || fail "$page, ${file##*/}: $(cat "$work/err")"
    checked=$((checked + 1))
  done
  rm "$work"/cpp.* "$work"/c.*
done
[ "$checked" -ge 5 ] || fail "only $checked snippets were compiled"
echo "$checked snippets compile"
