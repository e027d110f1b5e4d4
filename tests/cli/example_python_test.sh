# The example in Python says what the one in C++ says. Skipped where the build has no shared library, and where no Python 3
# has NumPy; nothing else of intvit needs either.
. "$(dirname "$0")/common.sh"
[ -n "${INTVIT_LIBRARY:-}" ] || { echo "skipped: this build has no shared library"; exit 77; }
python=
for candidate in python3 /usr/bin/python3; do
  if "$candidate" -c 'import numpy' 2>"$work/err"; then python=$candidate && break; fi
done
[ -n "$python" ] || { echo "skipped: no python3 with numpy"; exit 77; }

size=90
head -c $((size * size * 3)) "$INTVIT_DEMO_DIR/model.safetensors" >"$work/noise.rgb"  # any bytes are a picture
model=$(dirname "$0")/../golden/models/demo_w8a8_opset2.bin
classify=$(dirname "$0")/../../examples/classify.py
"$python" "$classify" "$model" "$work/noise.rgb" "$size" "$size" >"$work/python"
[ "$(wc -l <"$work/python")" -eq 3 ] || fail "the example in Python gives three classes, not: $(cat "$work/python")"
expected=$("$EXAMPLE" "$model" "$work/noise.rgb" "$size" "$size")
got=$(head -n 1 "$work/python" | cut -f 2)
[ "$got" = "$expected" ] || fail "the example in Python says '$got', the one in C++ '$expected'"
awk -F '\t' '{ sum += $3 } $3 > before && NR > 1 { exit 1 } { before = $3 } END { exit sum > 1.001 }' "$work/python" ||
  fail "probabilities do not fall, or are more than 1: $(cat "$work/python")"
expect_error 1 "no_such.bin" "$python" "$classify" "$work/no_such.bin" "$work/noise.rgb" "$size" "$size"
