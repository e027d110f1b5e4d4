#include "tests/engine/tiny_softmax.h"

#include <cmath>

namespace intvit::test {

void set_tiny_softmax(TinyProgram& tiny, const std::string& name, const TinySoftmax& softmax, Random& random,
                      AttentionOp& op) {
  op.softmax_kind = softmax.kind;
  if (softmax.kind == SoftmaxKind::exponential) return;
  op.levels = softmax.levels;
  op.planes = softmax.planes;
  const double one = softmax.planes == 2 ? 4095 : 255;
  std::vector<std::int16_t> thresholds, values;
  for (std::uint32_t h = 0; h < op.heads; ++h) {
    const double step = random.real(1200, 2400) / softmax.levels;  // 1/256 octave
    for (std::uint32_t k = 0; k < softmax.levels; ++k) {
      if (k + 1 < softmax.levels) thresholds.push_back(static_cast<std::int16_t>((k + 0.5) * step));
      values.push_back(static_cast<std::int16_t>(std::lround(one * std::exp2(-(k * step) / 256))));
    }
  }
  op.thresholds = tiny.add(name + ".softmax_thresholds", DataType::s16, thresholds);
  op.values = tiny.add(name + ".softmax_values", DataType::s16, values);
  if (softmax.kind != SoftmaxKind::absolute) return;
  op.groups = softmax.groups;
  constexpr int kGroupWidth = 128;  // half an octave of the row's largest probability per group
  std::vector<std::int32_t> bounds, offsets, divisors;
  for (std::uint32_t g = 0; g < softmax.groups; ++g) {
    const auto offset = static_cast<std::int32_t>(g * kGroupWidth);
    bounds.push_back(offset + kGroupWidth);
    offsets.push_back(offset);
    divisors.push_back(static_cast<std::int32_t>(std::lround(one * std::exp2(offset / 256.0))));
  }
  std::vector<std::int32_t> row_groups = bounds;
  row_groups.insert(row_groups.end(), offsets.begin(), offsets.end());
  row_groups.insert(row_groups.end(), divisors.begin(), divisors.end());
  op.row_groups = tiny.add(name + ".row_groups", DataType::s32, row_groups);
}

}  // namespace intvit::test
