#include "engine/ops/rotate.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "converter/lower/lowering.h"
#include "converter/lower/residual_stream.h"
#include "engine/ops/linear.h"

namespace intvit {
namespace {

// Values in front of the rotation are 2^-f codes of their head. More fraction bits than the highest show nowhere; fewer
// than the lowest, which heads of few and small codes may get beside others, add to the codes' own rounding.
constexpr int kLowestFractionBits = 3, kHighestFractionBits = 7;

// Of each head: as many fraction bits as the largest value leaves of half of the range (nodes/linear.cc), and as the
// layer's sums allow.
std::vector<int> fraction_bits(const Node& node, double finest_unit, const Lowering& lowering) {
  const double unit = 2 * unit_of_values(lowering.plan.magnitudes.at(lowering.in(node, 0).name));
  std::vector<int> bits;
  for (int h = 0; h < lowering.out(node, 0).heads; ++h) {
    const double scale = lowering.scheme(node.outputs[0], h).grid.scale;
    const auto at_most = [&](double one) { return static_cast<int>(std::floor(std::log2(scale / one))); };
    bits.push_back(
        std::clamp(std::min(std::clamp(at_most(unit), kLowestFractionBits, kHighestFractionBits), at_most(finest_unit)),
                   0, kHighestFractionBits));
  }
  return bits;
}

std::vector<std::int16_t> angles(const Rotate& rotate, int half) {
  std::vector<std::int16_t> lowered;
  const auto append = [&](const std::vector<float>& of_pairs, std::size_t first) {
    for (std::size_t i = first; i < first + static_cast<std::size_t>(half); ++i) {
      lowered.push_back(static_cast<std::int16_t>(std::lround(std::clamp(of_pairs[i], -1.0f, 1.0f) * 32767.0)));
    }
  };
  for (std::size_t first = 0; first < rotate.cosines.size(); first += static_cast<std::size_t>(half)) {
    append(rotate.cosines, first);
    append(rotate.sines, first);
  }
  return lowered;
}

}  // namespace

// The linear layer's part that is turned is made here, as its units are those of the codes.
void emit(const Rotate& rotate, const Node& node, Lowering& lowering) {
  const Tensor &x = lowering.in(node, 0), &result = lowering.out(node, 0);
  const Node& linear = lowering.network.node(lowering.network.producer(node.inputs[0]));
  if (linear.as<Linear>() == nullptr || addend(linear) >= 0 || x.role != Role::values || !is_per_head(result.role)) {
    return lowering.refuse(node, "values that a linear layer makes, for a query or a key");
  }
  if (!lowering.order(node.inputs[0]).is_natural()) return lowering.refuse(node, "rows that do not lie in windows");
  const std::optional<LinearInput> in = lowering.codes_read(linear);
  if (!in) return;
  const double finest = least_unit(in->scale * lowering.linears.coarsest_scale(linear.name));
  const std::vector<int> bits = fraction_bits(node, finest, lowering);
  const int head_dim = result.head_columns();
  const auto output = std::find(linear.outputs.begin(), linear.outputs.end(), node.inputs[0]) - linear.outputs.begin();
  const LinearPart part = {x.name, static_cast<int>(output) * x.columns, x.columns};

  LinearOp to_turn = op_reading(lowering.at(linear.inputs[0]));
  to_turn.dst = lowering.builder.buffer(DataType::s16, x.rows, x.columns);
  LinearOutput values{[&](int column) {
    const int head = (column - part.first) / head_dim;
    return std::ldexp(lowering.scheme(node.outputs[0], head).grid.scale, -bits[static_cast<std::size_t>(head)]);
  }};
  values.precision = MultiplierPrecision::sixteen;
  to_turn.linear = lowering.linears.requantized(*linear.weights(), linear.name, *in, values, part);
  lowering.builder.step(part.name, to_turn);

  const Destination out = lowering.codes_of_heads(node.outputs[0]);
  RotateOp op;
  op.src = to_turn.dst;
  op.dst = out.buffer;
  op.heads = static_cast<std::uint32_t>(result.heads);
  op.first_row = static_cast<std::uint32_t>(rotate.first_row);
  op.angles = lowering.builder.shared_constant(node.name + ".angles", DataType::s16, angles(rotate, head_dim / 2));
  std::vector<std::int32_t> codes;
  for (int h = 0; h < result.heads; ++h) {
    const int f = bits[static_cast<std::size_t>(h)];
    codes.push_back((lowering.scheme(node.outputs[0], h).grid.zero_point << f) + (f > 0 ? 1 << (f - 1) : 0));
    codes.push_back(f);
  }
  op.codes = lowering.builder.constant(node.name + ".codes", DataType::s32, codes);
  op.max_code = out.max_code;
  lowering.builder.step(node.name, op);
  lowering.put(node.outputs[0], out);
}

}  // namespace intvit
