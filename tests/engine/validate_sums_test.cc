// No sum of a linear or a conv leaves 32 bits: a bias with which the weights' largest sum just fits is taken, one
// more is refused (engine/ops/linear_sums.h). Beside values aside: validate_aside_test.cc.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <vector>

#include "engine/ops/conv.h"
#include "engine/ops/encode.h"
#include "engine/ops/layer_norm.h"
#include "engine/ops/linear.h"
#include "engine/program/memory_plan.h"
#include "kernels/gemm/tiles.h"
#include "tests/engine/refusals.h"

namespace intvit::test {
namespace {

const std::string kDoNotFit = "do not fit 32 bits for values up to ";
constexpr int kColumn = 5;

// The largest and the least bias of the column beside values from 0 to `highest`.
struct BiasRoom {
  std::int64_t most = INT32_MAX, least = INT32_MIN;
};

BiasRoom room_beside(const TinyProgram& t, const LinearConstants& l, std::int64_t highest) {
  const std::vector<Constant>& constants = t.program.constants;
  const auto* tiles = constants[l.tiles].as<std::uint8_t>();
  const auto depth = static_cast<int>(l.k), bits = static_cast<int>(l.bits);
  BiasRoom room;
  for (int k = 0; k < depth; ++k) {
    const int weight = bits == 8 ? static_cast<std::int8_t>(tiles[kernels::tile_offset(kColumn, k, depth)])
                                 : 16 * (kernels::stored_number(tiles, bits, kColumn, k, depth) -
                                         constants[l.zero_points].as<std::uint8_t>()[kColumn]);
    (weight > 0 ? room.most : room.least) -= weight * highest;
  }
  return room;
}

template <typename OpType>
LinearConstants& weights_of(TinyProgram& t, const std::string& layer) {
  return op<OpType>(t, layer).linear;
}

// May change the program first, and returns the highest value of the layer's source.
using Prepare = std::function<std::int64_t(TinyProgram&)>;

template <typename OpType>
void check_room(const std::string& layer, const TinyOptions& options, const Prepare& prepare) {
  const auto with = [&](bool above, std::int64_t beyond) {
    return [=](TinyProgram& t) {
      const std::int64_t highest = prepare(t);
      LinearConstants& l = weights_of<OpType>(t, layer);
      const BiasRoom room = room_beside(t, l, highest);
      const std::int64_t bias = above ? room.most + beyond : room.least - beyond;
      REQUIRE(static_cast<std::int32_t>(bias) == bias);
      l.bias = with_entry<std::int32_t>(t, l.bias, kColumn, static_cast<std::int32_t>(bias));
    };
  };
  CAPTURE(layer);
  for (const bool above : {true, false}) {
    accepts(with(above, 0), options);
    refuses(kDoNotFit, with(above, 1), options);
  }
}

Prepare values_up_to(std::int64_t highest) {
  return [highest](TinyProgram&) { return highest; };
}

TEST_CASE("validate: sums and biases of every kind of weights fit 32 bits") {
  for (const std::uint32_t bits : {8u, 4u, 3u, 2u}) {
    TinyOptions options;
    options.weight_bits = bits;
    check_room<LinearOp>(kQkv, options, values_up_to(255));
    check_room<LinearOp>(kFc2, options, values_up_to(255));
    options.max_code = 15;
    check_room<LinearOp>(kQkv, options, values_up_to(15));
  }
  check_room<LinearOp>("head", {}, values_up_to(255));
  check_room<LinearOp>("head", {.head = TinyHead::two_tokens}, values_up_to(255));
  check_room<ConvOp>("patch_embed", {}, values_up_to(255));
}

// Codes up to 15, and padding of fewer or more.
TEST_CASE("validate: sums of a conv count what its padding holds") {
  TinyOptions options;
  options.conv = true;
  for (const std::uint8_t pad : {9, 200}) {
    check_room<ConvOp>("conv.square", options, [pad](TinyProgram& t) {
      op<ConvOp>(t, "conv.around").max_code = 15;
      ConvOp& square = op<ConvOp>(t, "conv.square");
      const std::size_t cells = t.program.constants[square.pad_cell].count();
      square.pad_cell = t.add("pad", DataType::u8, std::vector<std::uint8_t>(cells, pad));
      return std::max<std::int64_t>(15, pad);
    });
  }
}

TEST_CASE("validate: sums of two planes fit for the largest value of the encode in front") {
  for (const EncodeKind kind : {EncodeKind::rows, EncodeKind::uniform}) {
    check_room<LinearOp>(kQkv, with_encoding({kind, 2, 15}),
                         [](TinyProgram& t) { return std::int64_t{op<EncodeOp>(t, kNormEncode).grid_max}; });
  }
  for (const EncodeKind kind : {EncodeKind::table, EncodeKind::table_with_outliers}) {
    check_room<LinearOp>(kQkv, with_encoding({kind, 2, 15}), [](TinyProgram& t) {
      EncodeOp& encode = op<EncodeOp>(t, kNormEncode);
      const std::int16_t largest = encode.kind == EncodeKind::table ? 20000 : 100;
      const std::size_t last = t.program.constants[encode.values].count() - 1;
      std::vector<std::int16_t> values(last + 1);
      values[last] = largest;
      encode.values = t.add("values", DataType::s16, values);
      return std::max(std::int64_t{largest}, encode.kind == EncodeKind::table ? 0 : std::int64_t{encode.grid_max});
    });
  }
}

// Of 576 weights of 127 and values up to 32767, sums alone leave 32 bits; a bias of the other sign does not help.
TEST_CASE("validate: sums fit 32 bits without their bias, too") {
  TinyOptions options;
  options.hidden = 576;
  options.hidden_codes = {EncodeKind::uniform, 2, 15};
  const auto with_values = [](std::uint32_t grid_max) {
    return [grid_max](TinyProgram& t) {
      op<EncodeOp>(t, "blocks.0.mlp.encode").grid_max = grid_max;
      LinearConstants& l = weights_of<LinearOp>(t, kFc2);
      l.tiles = t.add("127", DataType::s8, std::vector<std::int8_t>(t.program.constants[l.tiles].count(), 127));
      l.bias = t.add("bias", DataType::s32, std::vector<std::int32_t>(t.program.constants[l.bias].count(), -1 << 30));
    };
  };
  constexpr std::uint32_t kMost = INT32_MAX / (576 * 127);
  accepts(with_values(kMost), options);
  refuses(kDoNotFit + std::to_string(kMost + 1), with_values(kMost + 1), options);
}

TEST_CASE("validate: weights are checked with so many biases and no more") {
  const auto with_biases = [](std::size_t count) {
    return [count](TinyProgram& t) {
      // Fits beside the weights that there are, though not beside 16 of -128 and codes up to 15.
      constexpr std::int32_t kBias = INT32_MAX - 30000;
      LinearOp qkv = op<LinearOp>(t, kQkv);
      const std::size_t entries = t.program.constants[qkv.linear.bias].count();
      const auto after = std::find_if(t.program.steps.begin(), t.program.steps.end(),
                                      [](const Step& step) { return step.layer == kQkv; });
      std::vector<Step> more;
      for (std::size_t i = 0; i < count; ++i) {
        qkv.linear.bias = t.add("bias", DataType::s32, std::vector<std::int32_t>(entries, kBias));
        more.push_back({"again", qkv});
      }
      t.program.steps.insert(after + 1, more.begin(), more.end());
    };
  };
  TinyOptions options;
  options.max_code = 15;
  accepts(with_biases(16), options);
  refuses("read in another shape or with too many biases", with_biases(17), options);
}

}  // namespace
}  // namespace intvit::test
