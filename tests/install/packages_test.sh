# The Debian packages are made and looked into: files, dependencies, texts. BUILD is the build tree; CPACK and DPKG_DEB are the
# tools, STATIC_VITRUN is empty where vitrun is linked with shared libraries, and PICTURES is INTVIT_PICTURES.
. "$(dirname "$0")/../cli/common.sh"
for tool in "$CPACK" "$DPKG_DEB" dpkg-shlibdeps; do
  command -v "$tool" >/dev/null || { echo "SKIPPED: no ${tool%-NOTFOUND} here"; exit 77; }
done
model=$(cd "$(dirname "$0")" && pwd)/../golden/models/demo_w8a8_opset2.bin

(cd "$work" && "$CPACK" -G DEB --config "$BUILD/CPackConfig.cmake" -B "$work/packages") >"$work/log" 2>&1 ||
  fail "cpack: $(cat "$work/log")"
root=$work/root
mkdir "$root"
for package in "$work"/packages/*.deb; do "$DPKG_DEB" -x "$package" "$root"; done
[ "$(ls "$work"/packages/*.deb | wc -l)" -eq 3 ] || fail "not three packages: $(ls "$work/packages")"

# field PACKAGE FIELD: of the one package whose name begins so.
field() { "$DPKG_DEB" -f "$work"/packages/"$1"*.deb "$2"; }
# has PACKAGE FILE...: patterns of paths in it.
has() {
  local package=$1 path
  shift
  "$DPKG_DEB" -c "$work"/packages/"$package"*.deb | awk '{ print $6 }' >"$work/files"
  for path; do
    grep -qE "^\./usr/$path\$" "$work/files" || fail "$package lacks $path: $(cat "$work/files")"
  done
}
lib='lib/([a-z0-9_]+-linux-gnu/)?'
has libintvit0 "${lib}libintvit\.so\.[0-9.]+" "${lib}libintvit-picture\.so\.[0-9.]+"
! grep -qE 'include|\.a$|\.so$|/bin/' "$work/files" || fail "the runtime package has files for development or tools"
has libintvit-dev "${lib}libintvit\.so" "${lib}libintvit\.a" "${lib}libintvit-picture\.a" 'include/intvit/intvit\.hpp' \
  'include/intvit/intvit\.h' "${lib}pkgconfig/intvit\.pc" "${lib}cmake/intvit/intvit-config\.cmake"
has intvit-tools bin/vitrun bin/vitconvert bin/vitbench 'share/man/man1/vitrun\.1\.gz' \
  share/bash-completion/completions/vitrun 'share/zsh/[a-z-]+/_vitrun' 'share/fish/vendor_completions\.d/vitrun\.fish'
[ "$(field libintvit0 Section)" = libs ] && [ "$(field libintvit-dev Section)" = libdevel ] || fail "other sections"
runtime=$(field libintvit0 Package)
for package in "$runtime" libintvit-dev intvit-tools; do
  has "$package" "share/doc/$package/copyright" "share/doc/$package/changelog\.Debian\.gz" \
    "share/doc/$package/third_party/xsimd"
  [ "$(field "$package" Description | wc -l)" -ge 5 ] || fail "$package has no long description"
done
matches 'libstdc\+\+6' field libintvit0 Depends || fail "the libraries need libstdc++6, not: $(field libintvit0 Depends)"
needed="$runtime (= $(field libintvit0 Version))"
[ "$PICTURES" != libs ] || needed+=", libjpeg-dev, libpng-dev"
needs=$(field libintvit-dev Depends)
[ "${needs%, libwebp-dev}" = "$needed" ] || fail "libintvit-dev needs $needs, not $needed"
[ -z "$STATIC_VITRUN" ] || [ -z "$(readelf -d "$root/usr/bin/vitrun" | grep NEEDED)" ] || fail "vitrun is not static"
matches stop "$root/usr/bin/vitrun" "$model" "$INTVIT_DEMO_DIR/examples/stop.jpg" || fail "the packaged vitrun fails"

# Where vitrun is static, that and the decoders within are errors to lintian.
if command -v lintian >/dev/null; then
  lintian ${STATIC_VITRUN:+--suppress-tags statically-linked-binary,embedded-library} --fail-on error "$work"/packages/*.deb >"$work/log" 2>/dev/null ||
    fail "lintian: $(cat "$work/log")"
fi
