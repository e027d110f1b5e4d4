#include "tests/engine/tiny_sets.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

namespace intvit::test {

void set_tiny_sets(TinyProgram& tiny, const std::string& name, const TinySets& shape, std::uint32_t max_code,
                   Random& random, AttentionOp& op) {
  const std::uint32_t rows = shape.rows;
  std::vector<std::int32_t> order(rows), numbers, list;
  std::iota(order.begin(), order.end(), 0);
  for (std::size_t i = rows; shape.local == 0 && i > 1; --i) {
    std::swap(order[i - 1], order[static_cast<std::size_t>(random.integer(0, static_cast<std::int64_t>(i) - 1))]);
  }
  std::uint32_t biases = 0;
  for (std::uint32_t taken = 0, set = 0; taken < rows; ++set) {
    const bool local = shape.local > 0;
    const auto queries = std::min(rows - taken, local ? shape.local : 1 + 2 * (set % 3));
    const auto pads = local ? 0 : set % 2;
    numbers.insert(numbers.end(), {static_cast<std::int32_t>(list.size()), static_cast<std::int32_t>(queries + pads),
                                   static_cast<std::int32_t>(queries), static_cast<std::int32_t>(biases)});
    list.insert(list.end(), order.begin() + taken, order.begin() + taken + queries);
    list.insert(list.end(), pads, -1);
    taken += queries;
    op.most_keys = std::max(op.most_keys, queries + pads);
    biases += queries * static_cast<std::uint32_t>(kernels::padded_columns(static_cast<int>(queries + pads)));
  }
  std::vector<std::int32_t> sets = {static_cast<std::int32_t>(numbers.size() / 4)};
  sets.insert(sets.end(), numbers.begin(), numbers.end());
  sets.insert(sets.end(), list.begin(), list.end());
  op.sets = tiny.add(name + ".sets", DataType::s32, sets);

  if (shape.local > 0 && rows % shape.local == 0) op.local_rows = shape.local;
  std::vector<std::uint8_t> pad_row(std::size_t{2} * op.heads * op.head_dim);
  for (std::uint8_t& code : pad_row) code = static_cast<std::uint8_t>(random.integer(0, max_code));
  if (shape.local == 0) op.pad_row = tiny.add(name + ".pad_row", DataType::u8, pad_row);

  op.bias_columns = biases;
  std::vector<std::int16_t> bias(std::size_t{op.heads} * biases);
  for (std::int16_t& b : bias) b = static_cast<std::int16_t>(random.integer(-8192, 8192));
  op.bias = tiny.add(name + ".bias", DataType::s16, bias);
  // So large that biases are some octaves.
  std::vector<std::int32_t> shifts;
  const Constant& parameters = tiny.program.constants[op.parameters];
  for (std::uint32_t h = 0; h < op.heads; ++h) {
    const std::int32_t multiplier =
        parameters.as<std::int32_t>()[std::size_t{h} * kAttentionParameters + kSoftmaxMultiplier];
    shifts.push_back(std::clamp(static_cast<std::int32_t>(std::log2(std::exp2(14) / multiplier)), 0, 12));
  }
  op.bias_shifts = tiny.add(name + ".bias_shifts", DataType::s32, shifts);
}

}  // namespace intvit::test
