# A project with intvit in its tree: options that are off there, nothing of its own changed, and a program in C++17. Only the
# scalar kernels, since the library is compiled once more for it.
. "$(dirname "$0")/../cli/common.sh"
here=$(cd "$(dirname "$0")" && pwd)
model=$here/../golden/models/demo_w8a8_opset2.bin

cmake -S "$here/subdirectory" -B "$work/build" -G "$GENERATOR" -DINTVIT_TREE="$(cd "$here/../.." && pwd)" \
  -DINTVIT_ISAS=scalar -DCMAKE_BUILD_TYPE=Debug -DCMAKE_CXX_FLAGS_DEBUG=-O0 >"$work/log" 2>&1 || fail "configuring: $(cat "$work/log")"
cmake --build "$work/build" --target pixels >"$work/log" 2>&1 || fail "building: $(tail -n 30 "$work/log")"
"$work/build/pixels" "$model" >"$work/out" || fail "the program fails"
grep -q ' scalar$' "$work/out" || fail "the program says '$(cat "$work/out")'"
expect_exit 1 cmake -S "$here/subdirectory" -B "$work/build" -DINTVIT_ISAS="scalar;sse9"
for word in sse9 avx2 avx512vnni; do
  grep -q "$word" "$work/err" || fail "the refusal of an unknown instruction set should name $word: $(cat "$work/err")"
done
