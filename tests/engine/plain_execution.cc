#include "tests/engine/plain_execution.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "engine/ops/attention.h"
#include "engine/ops/encode.h"
#include "engine/ops/layer_norm.h"
#include "engine/ops/mean_rows.h"
#include "engine/ops/multiply.h"
#include "engine/ops/rotate.h"
#include "kernels/activation/gated_activation_law.h"
#include "kernels/attention/attention.h"
#include "kernels/attention/attention_law.h"
#include "kernels/dispatch/kernel_table.h"
#include "kernels/encode/encode_law.h"
#include "kernels/layer_norm/layer_norm_law.h"
#include "tests/engine/plain_linear.h"

namespace intvit::test {
namespace {

using Numbers = std::vector<std::int32_t>;

class Execution {
 public:
  Execution(const Program& program, std::vector<std::vector<PlainAttentionRow>>* attentions)
      : p_(program), attentions_(attentions) {
    for (const Buffer& b : p_.buffers) buffers_.emplace_back(std::size_t{b.rows} * b.columns);
  }

  PlainBuffers run(std::span<const std::uint8_t> picture) {
    std::copy(picture.begin(), picture.end(), buffers_[p_.buffer_of(PortKind::picture)].begin());
    for (const Step& step : p_.steps) {
      const bool known =
          execute_as<LayerNormOp, AttentionOp, MeanRowsOp, EncodeOp, MultiplyOp, RotateOp, ConvOp, LinearOp, GatherOp>(
              step.op);
      REQUIRE_MESSAGE(known, step.op->name());
    }
    return std::move(buffers_);
  }

 private:
  PlainMemory memory() { return {p_, buffers_}; }
  std::int32_t& at(BufferId id, std::uint32_t row, std::uint32_t column) { return memory().at(id, row, column); }
  template <typename T>
  const T* numbers(ConstantId id) const {
    return p_.constants[id].as<T>();
  }
  bool holds_values(BufferId id) const { return p_.buffers[id].type == DataType::s16; }
  std::int32_t result(BufferId dst, std::int32_t value, std::uint32_t max_code) {
    return memory().result(dst, value, max_code);
  }

  template <typename... Types>
  bool execute_as(const Op& op) {
    const auto execute_if = [&](const auto* one) {
      if (one != nullptr) execute(*one);
      return one != nullptr;
    };
    return (execute_if(op.as<Types>()) || ...);
  }

  template <typename T>
  void execute(const T& op) {
    execute_plainly(op, memory());
  }

  void execute(const LayerNormOp& op) {
    const std::uint32_t width = p_.buffers[op.dst].columns / op.groups;
    for (std::uint32_t r = 0; r < p_.buffers[op.dst].rows; ++r) {
      for (std::uint32_t group = 0; group < op.groups; ++group) norm(op, r, group * width, width);
    }
  }
  void norm(const LayerNormOp& op, std::uint32_t r, std::uint32_t first, std::uint32_t width) {
    const std::int16_t* affine = numbers<std::int16_t>(op.affine);
    std::int64_t total = 0, squares = 0;
    for (std::uint32_t c = first; c < first + width; ++c) {
      const std::int64_t x = at(op.src, op.first_row + r, c);
      total += op.centred * x, squares += x * x;
    }
    const kernels::RowNormalization row =
        kernels::normalize_row(total, static_cast<std::uint64_t>(squares), static_cast<int>(width), op.epsilon());
    for (std::uint32_t c = first; c < first + width; ++c) {
      const auto x = static_cast<std::int16_t>(at(op.src, op.first_row + r, c));
      const std::int16_t value = kernels::layer_norm_value(x, row, affine[2 * c], affine[2 * c + 1],
                                                           static_cast<int>(op.shift), static_cast<int>(op.beta_shift));
      const std::int32_t sum = kernels::saturate_s16(at(op.dst, r, c) + value);
      at(op.dst, r, c) = op.add != 0 ? sum : result(op.dst, value, op.max_code);
    }
  }

  kernels::SoftmaxSums softmax(const AttentionOp& op, std::uint32_t head, const Numbers& scores, Numbers& values) {
    const std::int32_t* p = numbers<std::int32_t>(op.parameters) + std::size_t{head} * kAttentionParameters;
    const auto padded = static_cast<std::size_t>(kernels::padded_depth(static_cast<int>(scores.size())));
    std::vector<std::int32_t> padded_scores(padded);
    std::copy(scores.begin(), scores.end(), padded_scores.begin());
    std::vector<std::uint8_t> bytes(2 * padded), scratch(kernels::softmax_scratch_bytes(static_cast<int>(padded)));
    kernels::SoftmaxArgs args{};
    args.scores = padded_scores.data();
    args.dst = bytes.data();
    args.columns = static_cast<int>(scores.size());
    args.padded_columns = static_cast<int>(padded);
    args.scale = {op.bias == kNone ? p[kSoftmaxLeftShift] : 0, p[kSoftmaxRightShift],
                  static_cast<std::uint16_t>(p[kSoftmaxMultiplier])};
    args.kind = op.softmax_kind;
    args.scratch = scratch.data();
    if (op.softmax_kind != kernels::SoftmaxKind::exponential) {
      args.plane_stride = op.planes == 2 ? static_cast<std::ptrdiff_t>(padded) : 0;
      args.table.thresholds = numbers<std::int16_t>(op.thresholds) + head * (op.levels - 1);
      args.table.values = numbers<std::int16_t>(op.values) + head * op.levels;
      args.table.levels = static_cast<int>(op.levels);
    }
    if (op.softmax_kind == kernels::SoftmaxKind::absolute) {
      args.table.group_bounds = numbers<std::int32_t>(op.row_groups);
      args.table.group_offsets = args.table.group_bounds + op.groups;
      args.table.group_divisors = args.table.group_bounds + 2 * op.groups;
      args.table.groups = static_cast<int>(op.groups);
    }
    const kernels::SoftmaxSums sums = kernels::kernel_table(Isa::scalar).softmax->run(args);
    values.clear();
    for (std::size_t j = 0; j < scores.size(); ++j) values.push_back(bytes[j] + 256 * bytes[padded + j]);
    return sums;
  }

  // Entry j of a set: a row, or -1.
  struct Set {
    std::vector<std::int32_t> rows;
    std::size_t queries;
    std::size_t bias;  // where its biases begin, of a head
  };
  std::vector<Set> sets_of(const AttentionOp& op) const {
    std::vector<Set> sets;
    if (op.sets == kNone) {
      Set all{{}, p_.buffers[op.dst].rows, 0};
      for (std::uint32_t j = 0; j < p_.buffers[op.keys()].rows; ++j) all.rows.push_back(static_cast<std::int32_t>(j));
      return {all};
    }
    const auto* words = numbers<std::int32_t>(op.sets);
    const std::int32_t* row = words + 1 + 4 * words[0];
    for (std::int32_t s = 0; s < words[0]; ++s) {
      const std::int32_t* number = words + 1 + 4 * s;
      sets.push_back(
          {{row, row + number[1]}, static_cast<std::size_t>(number[2]), static_cast<std::size_t>(number[3])});
      row += number[1];
    }
    return sets;
  }

  void execute(const AttentionOp& op) {
    if (attentions_ != nullptr) attentions_->emplace_back();
    const std::vector<Set> sets = sets_of(op);
    for (std::uint32_t h = 0; h < op.heads; ++h) {
      for (std::size_t s = 0; s < sets.size(); ++s) attend(op, h, s, sets[s]);
    }
  }

  void attend(const AttentionOp& op, std::uint32_t h, std::size_t index, const Set& set) {
    const std::uint32_t channels = op.heads * op.head_dim, first = h * op.head_dim;
    const std::int32_t* p = numbers<std::int32_t>(op.parameters) + std::size_t{h} * kAttentionParameters;
    const kernels::AttentionHead head = {p[kQZero],      p[kVZero],  {}, static_cast<std::uint32_t>(p[kRatio]),
                                         p[kRatioShift], p[kOutZero]};
    const auto code = [&](std::uint32_t part, std::int32_t row, std::uint32_t d) -> std::int32_t {
      if (row < 0) return numbers<std::uint8_t>(op.pad_row)[(part - 1) * channels + first + d];
      const auto r = static_cast<std::uint32_t>(row);
      const std::int32_t read = part == 0 || !op.apart() ? at(op.src, r, part * channels + first + d)
                                : part == 1              ? at(op.key_src, r, op.key_column + first + d)
                                                         : at(op.value_src, r, op.value_column + first + d);
      return read & 255;  // of two planes the low bytes
    };
    const std::size_t keys = set.rows.size(), bias_stride = (keys + 15) / 16 * 16;
    for (std::size_t i = 0; i < set.queries; ++i) {
      Numbers scores, values;
      for (std::size_t j = 0; j < keys; ++j) {
        std::int32_t score = 0;
        for (std::uint32_t d = 0; d < op.head_dim; ++d) {
          score += (code(0, set.rows[i], d) - head.q_zero) * (code(1, set.rows[j], d) - 128);
        }
        if (op.bias != kNone) {
          const std::int32_t bias =
              numbers<std::int16_t>(op.bias)[h * op.bias_columns + set.bias + i * bias_stride + j];
          score = score * (1 << p[kSoftmaxLeftShift]) + bias * (1 << numbers<std::int32_t>(op.bias_shifts)[h]);
        }
        scores.push_back(score);
      }
      const kernels::SoftmaxSums sums = softmax(op, h, scores, values);
      if (attentions_ != nullptr) attentions_->back().push_back({index, h, i, values, sums.divisor});
      const kernels::RowRequantizer row = kernels::row_requantizer(
          head, sums, holds_values(op.dst) ? kernels::kValueMultiplierBits : kernels::kCodeMultiplierBits);
      for (std::uint32_t d = 0; d < op.head_dim; ++d) {
        std::int32_t sum = 0;
        for (std::size_t j = 0; j < keys; ++j) sum += values[j] * (code(2, set.rows[j], d) - 128);
        at(op.dst, static_cast<std::uint32_t>(set.rows[i]), first + d) =
            result(op.dst, kernels::attention_value(sum, row, head.out_zero), op.max_code);
      }
    }
  }

  void execute(const MeanRowsOp& op) {
    for (std::uint32_t c = 0; c < p_.buffers[op.dst].columns; ++c) {
      std::int64_t twice = op.row_count;
      for (std::uint32_t r = 0; r < op.row_count; ++r) twice += 2 * at(op.src, op.first_row + r, c);
      const std::int64_t divisor = 2 * std::int64_t{op.row_count};
      at(op.dst, op.copied_rows, c) =
          static_cast<std::int32_t>((twice - ((twice % divisor) + divisor) % divisor) / divisor);
      for (std::uint32_t r = 0; r < op.copied_rows; ++r) at(op.dst, r, c) = at(op.src, r, c);
    }
  }

  static bool is_outlier(const EncodeOp& op, std::int32_t x) {
    return op.kind == kernels::EncodeKind::uniform || std::abs(x) > static_cast<int>(op.outlier);
  }

  std::int32_t on_grid(const EncodeOp& op, std::int32_t value, const kernels::AffineCode& code) const {
    const auto x = static_cast<std::int16_t>(value);
    std::int32_t steps = kernels::multiply_q15(x, static_cast<std::int16_t>(1 << (15 - op.fine_bits)));
    if (!is_outlier(op, x)) {
      const std::int32_t scaled = kernels::multiply_q15(kernels::multiply_q15(x, code.multiplier), code.power);
      const std::int32_t number = std::clamp(scaled + code.zero, 0, static_cast<std::int32_t>(op.max_code));
      const std::int32_t shifted = (number - code.zero) * (1 << op.step_shift);
      steps = kernels::multiply_q15(static_cast<std::int16_t>(shifted), code.step);
    }
    return std::clamp(steps + static_cast<std::int32_t>(op.grid_zero), 0, static_cast<std::int32_t>(op.grid_max));
  }

  // All that is lost, then the least of it left out until there is room.
  void list_aside(const EncodeOp& op, std::uint32_t row) {
    const std::uint32_t most = (p_.buffers[op.aside].columns - 1) / 2;
    std::vector<std::pair<std::uint32_t, std::int32_t>> list;
    for (std::uint32_t c = 0; c < p_.buffers[op.src].columns; ++c) {
      const std::int32_t x = at(op.src, row, c);
      const std::int32_t value = ((x + (1 << (op.fine_bits - 1))) >> op.fine_bits) + static_cast<int>(op.grid_zero);
      const std::int32_t excess = value - std::clamp(value, 0, static_cast<std::int32_t>(op.grid_max));
      if (is_outlier(op, x) && excess != 0) list.emplace_back(c, excess);
    }
    for (std::uint32_t i = 0; i <= 2 * most; ++i) at(op.aside, row, i) = 0;
    at(op.aside, row, 0) = static_cast<std::int32_t>(list.size());
    while (list.size() > most) {
      auto least = list.begin();
      for (auto i = list.begin(); i < list.end(); ++i) {
        if (std::abs(i->second) <= std::abs(least->second)) least = i;
      }
      list.erase(least);
    }
    for (std::uint32_t i = 0; i < list.size(); ++i) {
      at(op.aside, row, 1 + i) = static_cast<std::int32_t>(list[i].first);
      at(op.aside, row, 1 + most + i) = list[i].second;
    }
  }

  // Number i of `count` in [4][count].
  static kernels::AffineCode code_of(const std::int16_t* codes, std::uint32_t count, std::uint32_t i) {
    return {codes[i], codes[count + i], codes[2 * count + i], codes[3 * count + i]};
  }

  kernels::AffineCode code_of_token(const EncodeOp& op, std::uint32_t row) {
    if (op.kind == kernels::EncodeKind::rows) {
      return code_of(numbers<std::int16_t>(op.codes), p_.buffers[op.src].rows, row);
    }
    std::int32_t lowest = 0, highest = 0;
    for (std::uint32_t c = 0; c < p_.buffers[op.src].columns; ++c) {
      const std::int32_t x = at(op.src, row, c);
      if (is_outlier(op, x)) continue;
      lowest = std::min(lowest, x), highest = std::max(highest, x);
    }
    return kernels::affine_code_for_range(lowest, highest, static_cast<int>(op.max_code),
                                          static_cast<int>(op.step_shift), static_cast<int>(op.fine_bits));
  }

  kernels::AffineCode code_of_channel(const EncodeOp& op, std::uint32_t column) {
    std::int64_t lowest = at(op.src, 0, column), highest = lowest;
    for (std::uint32_t r = 1; r < p_.buffers[op.src].rows; ++r) {
      lowest = std::min<std::int64_t>(lowest, at(op.src, r, column));
      highest = std::max<std::int64_t>(highest, at(op.src, r, column));
    }
    const std::int16_t* groups = numbers<std::int16_t>(op.codes);
    const auto distance = [&](std::uint32_t g) {
      const std::int64_t a = lowest - groups[g], b = highest - groups[op.groups + g];
      return a * a + b * b;
    };
    std::uint32_t nearest = 0;
    for (std::uint32_t g = 1; g < op.groups; ++g) nearest = distance(g) < distance(nearest) ? g : nearest;
    return code_of(groups + 2 * op.groups, op.groups, nearest);
  }

  std::int32_t from_table(const EncodeOp& op, std::int32_t x) const {
    const std::int16_t* thresholds = numbers<std::int16_t>(op.thresholds);
    const auto reached = std::count_if(thresholds, thresholds + op.levels - 1, [&](int t) { return t <= x; });
    return numbers<std::int16_t>(op.values)[reached];
  }

  void execute(const EncodeOp& op) {
    const Buffer& src = p_.buffers[op.src];
    for (std::uint32_t r = 0; r < src.rows; ++r) {
      if (op.aside != kNone) list_aside(op, r);
      for (std::uint32_t c = 0; c < src.columns; ++c) {
        const std::int32_t x = at(op.src, r, c);
        const bool tabled = op.kind == kernels::EncodeKind::table_with_outliers && !is_outlier(op, x);
        at(op.dst, r, c) = op.kind == kernels::EncodeKind::table || tabled ? from_table(op, x)
                           : op.kind == kernels::EncodeKind::columns       ? on_grid(op, x, code_of_channel(op, c))
                           : op.kind >= kernels::EncodeKind::uniform       ? on_grid(op, x, {})
                                                                           : on_grid(op, x, code_of_token(op, r));
      }
    }
  }

  void execute(const MultiplyOp& op) {
    const std::int16_t* table = numbers<std::int16_t>(op.activation);
    const kernels::GatedActivation activation = {table, table + kernels::kActivationSegments,
                                                 static_cast<int>(op.activation_segment_bits), 32767, 0};
    const Buffer& dst = p_.buffers[op.dst];
    for (std::uint32_t r = 0; r < dst.rows; ++r) {
      for (std::uint32_t c = 0; c < dst.columns; ++c) {
        const std::int16_t gate = kernels::activate_value(static_cast<std::int16_t>(at(op.src, r, c)), activation);
        const std::int16_t value =
            kernels::requantize(gate * at(op.src, r, dst.columns + c), static_cast<std::int32_t>(op.bias),
                                static_cast<int>(op.shift), static_cast<std::int16_t>(op.multiplier));
        at(op.dst, r, c) = result(op.dst, value, op.max_code);
      }
    }
  }

  void execute(const RotateOp& op) {
    const Buffer& src = p_.buffers[op.src];
    const std::uint32_t head_dim = src.columns / op.heads, half = head_dim / 2;
    for (std::uint32_t place = 0; place < src.rows * src.columns; ++place) {
      const std::uint32_t r = place / src.columns, c = place % src.columns, i = c % head_dim;
      std::int64_t y = at(op.src, r, c);
      if (r >= op.first_row) {
        const std::int16_t* angle = numbers<std::int16_t>(op.angles) + (r - op.first_row) * head_dim + i % half;
        const std::int64_t other = i < half ? -at(op.src, r, c + half) : at(op.src, r, c - half);
        y = (y * angle[0] + other * angle[half] + (1 << 14)) >> 15;
      }
      const std::int32_t* code = numbers<std::int32_t>(op.codes) + 2 * (c / head_dim);
      at(op.dst, r, c) = result(op.dst, static_cast<std::int32_t>((y + code[0]) >> code[1]), op.max_code);
    }
  }

  const Program& p_;
  std::vector<std::vector<PlainAttentionRow>>* attentions_;
  PlainBuffers buffers_;
};

}  // namespace

PlainBuffers execute_plainly(const Program& program, std::span<const std::uint8_t> picture,
                             std::vector<std::vector<PlainAttentionRow>>* attentions) {
  return Execution(program, attentions).run(picture);
}

}  // namespace intvit::test
