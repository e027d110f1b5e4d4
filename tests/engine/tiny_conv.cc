#include "tests/engine/tiny_conv.h"

#include <string>
#include <vector>

#include "engine/ops/conv.h"
#include "engine/ops/gather.h"
#include "engine/ops/layer_norm.h"
#include "kernels/gemm/tiles.h"
#include "tests/engine/tiny_linear.h"

namespace intvit::test {
namespace {

BufferId add_buffer(TinyProgram& tiny, DataType type, std::uint32_t rows, std::uint32_t columns) {
  const auto count = static_cast<int>(columns);
  const int stride = type == DataType::u8 ? kernels::padded_depth(count) : kernels::padded_columns(count);
  tiny.program.buffers.push_back({type, rows, columns, static_cast<std::uint32_t>(stride), 0});
  return static_cast<BufferId>(tiny.program.buffers.size() - 1);
}

// Around code 128, or around 0, with a deviation of some 45 steps.
LayerNormOp norm(TinyProgram& tiny, const std::string& name, std::uint32_t channels, std::int16_t beta) {
  std::vector<std::int16_t> affine;
  for (std::uint32_t c = 0; c < channels; ++c) {
    affine.insert(affine.end(), {static_cast<std::int16_t>(900 + c), static_cast<std::int16_t>(16 * beta)});
  }
  LayerNormOp op;
  op.affine = tiny.add(name + ".affine", DataType::s16, affine);
  op.shift = 16;
  op.beta_shift = 12;
  op.epsilon_low = channels * channels;
  return op;
}

}  // namespace

ConstantId tiny_row_constants(TinyProgram& tiny, const std::string& name, BufferId dst, std::int64_t limit,
                              Random& random) {
  const Buffer& to = tiny.program.buffers[dst];
  std::vector<std::int16_t> init(std::size_t{to.rows} * to.stride);
  for (std::int16_t& x : init) x = static_cast<std::int16_t>(random.integer(-limit, limit));
  return tiny.add(name, DataType::s16, init);
}

ConstantId tiny_pad_cell(TinyProgram& tiny, const std::string& name, std::uint32_t columns, Random& random) {
  std::vector<std::uint8_t> cell(columns);
  for (std::uint8_t& code : cell) code = static_cast<std::uint8_t>(random.integer(0, 255));
  return tiny.add(name + ".pad_cell", DataType::u8, cell);
}

void add_tiny_conv(TinyProgram& tiny, const TinyOptions& options, BufferId stream, std::uint32_t prefix,
                   Random& random) {
  const std::uint32_t side = options.edge / options.patch, channels = options.channels;
  const TinyScale scale = codes_scale(255);
  std::vector<Step>& steps = tiny.program.steps;

  LayerNormOp norm1 = norm(tiny, "conv.norm", channels, 128);
  norm1.src = stream;
  norm1.dst = add_buffer(tiny, DataType::u8, side * side, channels);
  norm1.first_row = prefix;
  steps.push_back({"conv.norm", norm1});

  GatherOp gather;
  gather.src = norm1.dst;
  gather.dst = add_buffer(tiny, DataType::u8, side * (side + 1), channels);
  gather.pad = 77;
  std::vector<std::int32_t> map;
  for (std::uint32_t i = 0; i < side * (side + 1); ++i) {
    map.push_back(i % (side + 1) == side ? -1 : static_cast<std::int32_t>(i / (side + 1) * side + i % (side + 1)));
  }
  gather.map = tiny.add("conv.gather.map", DataType::s32, map);
  steps.push_back({"conv.gather", gather});

  ConvOp around;
  around.src = gather.dst;
  around.dst = add_buffer(tiny, DataType::u8, side * (side + 1), channels);
  around.kernel = 3;
  around.stride = 1;
  around.height = side, around.width = side + 1;
  around.pad_top = around.pad_left = around.pad_bottom = around.pad_right = 1;
  around.pad_cell = tiny_pad_cell(tiny, "conv.around", channels, random);
  const auto piece = static_cast<std::uint32_t>(kernels::padded_depth(static_cast<int>(channels)));
  around.linear = tiny_linear(
      tiny, "conv.around",
      {9 * piece, channels, options.weight_bits, channels, scale, Epilogue::codes, scale.sigma(), scale.centre()},
      random);
  steps.push_back({"conv.around", around});

  ConvOp square = around;
  square.src = around.dst;
  square.dst = add_buffer(tiny, DataType::s16, prefix + side * side, channels);
  square.kernel = 2;
  square.prefix = prefix;
  square.init = tiny_row_constants(tiny, "conv.square.init", square.dst, 300, random);
  square.pad_left = square.pad_bottom = square.pad_right = 0;
  square.linear =
      tiny_linear(tiny, "conv.square",
                  {4 * piece, channels, options.weight_bits, channels, scale, Epilogue::residual, 900, 0}, random);
  steps.push_back({"conv.square", square});

  LayerNormOp norm2 = norm(tiny, "conv.norm2", channels, 0);
  norm2.src = square.dst;
  norm2.dst = stream;
  norm2.add = 1;
  steps.push_back({"conv.norm2", norm2});
}

}  // namespace intvit::test
