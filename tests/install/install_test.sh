# The build is installed into a folder that is then moved, and programs of somebody else's are built against it: C++17 and
# C, shared and static, by find_package and by pkg-config. BUILD is the build tree, VITRUN its vitrun, PICTURES what decodes
# (INTVIT_PICTURES), SHARED is ON if there are shared libraries, ISAS their instruction sets.
. "$(dirname "$0")/../cli/common.sh"
here=$(cd "$(dirname "$0")" && pwd)
model=$here/../golden/models/demo_w8a8_opset2.bin
picture=$INTVIT_DEMO_DIR/examples/stop.jpg
export LD_LIBRARY_PATH=

# "LOGIT NAME", as the programs print it; the logits of vitrun are float32 in .npy, whose last 64 bytes are the 16 classes.
expected() {
  "$VITRUN" "$model" "$picture" --logits "$work/logits.npy" --topk 1 >"$work/top"
  local unit=65536 largest
  largest=$(tail -c 64 "$work/logits.npy" | od -An -t f4 -v | tr -s ' ' '\n' | sort -g | tail -n 1)
  printf '%.0f %s\n' "$(awk -v l="$largest" -v u="$unit" 'BEGIN { print l * u }')" "$(sed -n 's/.*%  *//p' "$work/top")"
}

# check PROGRAM ARGUMENT...: it names the class that vitrun names, with the same bits.
check() {
  local got
  got=$("$@" "$picture") || fail "'$*' fails"
  near "${got%% *}" "${answer%% *}" 1 && [ "${got#* }" = "${answer#* }" ] || fail "'$*' says '$got', vitrun says '$answer'"
}

# needs PROGRAM: the names of the libraries that it loads, but for those of the C and C++ languages.
needs() {
  LD_LIBRARY_PATH=$libraries ldd "$1" | grep -vE 'linux-vdso|ld-linux|lib(stdc\+\+|gcc_s|c|m|pthread)\.so' |
    sed -E 's/^[[:space:]]*([^ ]*)\.so.*/\1/' | sort -u | tr '\n' ' '
}

# expect_needs PROGRAM ALLOWED...: nothing else.
expect_needs() {
  local program=$1 library allowed
  shift
  for library in $(needs "$program"); do
    for allowed in "$@" ''; do [ "$library" != "$allowed" ] || break; done
    [ -n "$allowed" ] || fail "$program needs $library; allowed: ${*:-nothing}"
  done
}

# built_by_cmake LANGUAGE KIND: the programs in $work/LANGUAGE_KIND, found by find_package.
built_by_cmake() {
  local folder=$work/$1_$2
  cmake -S "$here/consumer" -B "$folder" -DCMAKE_PREFIX_PATH="$prefix" -DCMAKE_BUILD_TYPE=Debug \
    -DCONSUMER_LANGUAGE="$1" -DCONSUMER_KIND="$2" >"$work/log" 2>&1 || fail "configuring $1 $2: $(cat "$work/log")"
  cmake --build "$folder" >"$work/log" 2>&1 || fail "building $1 $2: $(cat "$work/log")"
  check "$folder/classify" "$model"
}

pkg() { PKG_CONFIG_PATH=$libraries/pkgconfig pkg-config "$@"; }

for component in runtime dev; do
  cmake --install "$BUILD" --prefix "$work/staged" --component "$component" --strip >/dev/null
done
prefix=$work/elsewhere
mv "$work/staged" "$prefix"
libraries=$(dirname "$(find "$prefix" -name libintvit.a)")
answer=$(expected)
decoders="libjpeg libpng16 libz libwebp libsharpyuv"
[ "$PICTURES" = libs ] || decoders=
# Nothing in the installed files names the trees that they came from.
for tree in "$work/staged" "$BUILD" "$(cd "$here/../.." && pwd)/engine"; do
  ! grep -rlF --include='*.cmake' --include='*.pc' --include='*.h' -- "$tree" "$prefix" || fail "$tree is named there"
done

kinds=static
[ "$SHARED" != ON ] || kinds="static shared"
for kind in $kinds; do
  own=
  [ "$kind" = static ] || own="libintvit libintvit-picture"
  built_by_cmake CXX "$kind"
  built_by_cmake C "$kind"
  "$work/CXX_$kind/pixels" "$model" >"$work/pixels_$kind" || fail "pixels, $kind, fails"
  expect_needs "$work/CXX_$kind/pixels" ${own% *}
  expect_needs "$work/CXX_$kind/classify" $own $decoders
  expect_needs "$work/C_$kind/classify" $own $decoders
done
[ "$SHARED" != ON ] || cmp "$work/pixels_static" "$work/pixels_shared"

# Stripped, libintvit.so has 2.1 MB with every instruction set of x86-64, and 0.92 with scalar and avx2.
if [ "$SHARED" = ON ] && [ "$BUILD_TYPE" = Release ]; then
  size=$(stat -Lc %s "$libraries/libintvit.so")
  most=3000000
  [ "$ISAS" != "scalar avx2" ] || most=999999
  [ "$size" -le "$most" ] || fail "libintvit.so has $size bytes, more than $most"
fi

if ! command -v pkg-config >/dev/null; then
  echo "no pkg-config here: not tested"
else
  flags="-Wall -Wextra -Wpedantic -Werror"
  if [ "$SHARED" = ON ]; then
    ${CC:-cc} -std=c11 $flags $(pkg --cflags intvit-picture) "$here/consumer/classify.c" -o "$work/classify_c" \
      $(pkg --libs intvit-picture)
    ${CXX:-c++} -std=c++17 $flags $(pkg --cflags intvit) "$here/consumer/pixels.cc" -o "$work/pixels" $(pkg --libs intvit)
    LD_LIBRARY_PATH=$libraries check "$work/classify_c" "$model"
    expect_needs "$work/pixels" libintvit
  fi
  rm -f "$libraries"/*.so*
  ${CC:-cc} -std=c11 $flags $(pkg --cflags intvit-picture) "$here/consumer/classify.c" -o "$work/classify_c_static" \
    $(pkg --static --libs intvit-picture)
  ${CXX:-c++} -std=c++17 $flags $(pkg --cflags intvit) "$here/consumer/pixels.cc" -o "$work/pixels_static" \
    $(pkg --static --libs intvit)
  check "$work/classify_c_static" "$model"
  expect_needs "$work/pixels_static"
fi
echo "all say $answer"
