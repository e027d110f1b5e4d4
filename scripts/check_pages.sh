#!/usr/bin/env bash
# Whether report pages fit their window: in headless chromium at three widths nothing may be wider than the page. Exits
# with 77 where there is no chromium.
set -euo pipefail
if [ $# -eq 0 ]; then
  echo "usage: ${0##*/} PAGE.html..." >&2
  exit 2
fi
browser=$(command -v chromium || command -v chromium-browser || command -v google-chrome || true)
if [ -z "$browser" ]; then
  echo "${0##*/}: skipped, there is no chromium"
  exit 77
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# A frame of the wanted width, since a window cannot be narrower than 500 pixels. The answer is the outer page's text.
frame() {
  cat <<HTML
<!doctype html><body><iframe id="f" width="$1" height="800" style="border:0" src="page.html"></iframe><script>
onload = () => {
  const page = document.getElementById("f").contentDocument.documentElement;
  const wide = [...page.querySelectorAll("body *")].filter(e => !e.closest(".wide") &&
    e.getBoundingClientRect().right > page.clientWidth + 1).map(e => e.tagName + "." + e.getAttribute("class"));
  document.body.textContent = "width " + page.clientWidth + " scroll " + page.scrollWidth + " " +
    (page.scrollWidth > page.clientWidth || wide.length ? "TOO WIDE " + wide.slice(0, 5).join(" ") : "fits");
};
</script></body>
HTML
}

bad=0
for page in "$@"; do
  cp "$page" "$work/page.html"
  for width in 360 900 1600; do
    frame "$width" >"$work/frame.html"
    answer=$("$browser" --headless --no-sandbox --disable-gpu --allow-file-access-from-files --window-size=1700,900 \
      --user-data-dir="$work/profile" --dump-dom "file://$work/frame.html" 2>/dev/null |
      sed -n 's/.*\(width [0-9].*\)<\/body>.*/\1/p')
    echo "$page at $width: ${answer:-no answer}"
    case $answer in "width $width "*fits) ;; *) bad=1 ;; esac
  done
done
exit "$bad"
