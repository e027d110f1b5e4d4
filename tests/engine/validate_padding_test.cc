// Weights of padding: what lies beyond a row's own inputs is whatever was in memory, so it may not count.
#include <doctest/doctest.h>

#include <cstdint>
#include <vector>

#include "engine/ops/conv.h"
#include "engine/ops/linear.h"
#include "kernels/gemm/tiles.h"
#include "tests/engine/refusals.h"

namespace intvit::test {
namespace {

// Changes the weight of one input to one output by one.
void change_weight(TinyProgram& tiny, LinearConstants& l, int input, int output) {
  const int depth = static_cast<int>(l.k);
  const Constant original = tiny.program.constants[l.tiles];
  std::vector<std::uint8_t> tiles(original.bytes.begin(), original.bytes.end());
  if (l.bits == 8) {
    tiles[kernels::tile_offset(output, input, depth)] ^= 1;
  } else {
    const int bits = static_cast<int>(l.bits);
    const int number = kernels::stored_number(tiles.data(), bits, output, input, depth);
    kernels::store_number(tiles.data(), bits, output, input, depth, number ^ 1);
  }
  l.tiles = tiny.add(original.name, original.type, tiles);
}

template <typename T>
std::function<void(TinyProgram&)> weight_of(const std::string& layer, int input, int output) {
  return [=](TinyProgram& t) { change_weight(t, op<T>(t, layer).linear, input, output); };
}

// The last own input may have any weight, the first and the last of the padding none, for the first and the last
// output.
template <typename T>
void check_padding(const std::string& layer, const TinyOptions& options, int own, int depth, int outputs) {
  for (const int output : {0, outputs - 1}) {
    CAPTURE(layer);
    CAPTURE(output);
    accepts(weight_of<T>(layer, own - 1, output), options);
    refuses("weights of padding", weight_of<T>(layer, own, output), options);
    refuses("weights of padding", weight_of<T>(layer, depth - 1, output), options);
  }
}

TEST_CASE("validate: inputs of padding weigh nothing") {
  for (const std::uint32_t bits : {8u, 4u, 3u, 2u}) {
    const TinyOptions options{.weight_bits = bits};  // 16 channels, 40 hidden
    check_padding<LinearOp>(kQkv, options, 16, 64, 48);
    check_padding<LinearOp>(kProj, options, 16, 64, 16);
    check_padding<LinearOp>(kFc1, options, 16, 64, 40);
    check_padding<LinearOp>(kFc2, options, 40, 64, 16);
    check_padding<LinearOp>("head", options, 16, 64, 10);
  }
  check_padding<ConvOp>("patch_embed", {}, 4 * 4 * 3, 64, 16);
}

TEST_CASE("validate: where two rows are read as one, the padding of both weighs nothing") {
  TinyOptions options;
  options.head = TinyHead::two_tokens;
  check_padding<LinearOp>("head", options, 16, 64, 10);
  check_padding<LinearOp>("head", options, 64 + 16, 128, 10);
  accepts(weight_of<LinearOp>("head", 64, 0), options);
}

}  // namespace
}  // namespace intvit::test
