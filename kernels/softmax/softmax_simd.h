// softmax.h for whole vectors.
#pragma once

#include <cstdint>

#include "kernels/simd/look_up.h"
#include "kernels/simd/tables.h"
#include "kernels/softmax/softmax_law.h"

namespace intvit::kernels {
namespace {

// Maxima of parts of a row: the largest of them is the row's.
template <typename Simd>
typename Simd::I32 row_maxima(const std::int32_t* scores, int columns) {
  constexpr int kLanes = Simd::kLanes32;
  if (columns < kLanes) {
    std::int32_t max = scores[0];
    for (int j = 1; j < columns; ++j) max = scores[j] > max ? scores[j] : max;
    return typename Simd::I32(max);
  }
  // The last vector may begin within the one before.
  auto maxima = Simd::load32(scores + columns - kLanes);
  for (int j = 0; j + kLanes < columns; j += kLanes) maxima = max(maxima, Simd::load32(scores + j));
  return maxima;
}

template <typename Simd>
std::int32_t row_max(const std::int32_t* scores, int columns) {
  return Simd::reduce_max32(row_maxima<Simd>(scores, columns));
}

// results[r] = what `both`, a maximum or a sum of two vectors, makes of all elements of vector_of(r). Four rows at a
// time take less than half of the steps that each would take by itself.
template <typename Simd, typename VectorOf, typename Both>
void reduce_rows(int rows, std::int32_t* results, const VectorOf& vector_of, const Both& both) {
  int r = 0;
  for (; r + 4 <= rows; r += 4) {
    Simd::reduce_four(results + r, {vector_of(r), vector_of(r + 1), vector_of(r + 2), vector_of(r + 3)}, both);
  }
  for (; r < rows; ++r) {
    std::int32_t four[4];
    Simd::reduce_four(four, {vector_of(r), vector_of(r), vector_of(r), vector_of(r)}, both);
    results[r] = four[0];
  }
}

// Vectors of t and of what it stands for, as 16-bit values.
template <typename Simd>
class SoftmaxVectors {
  using I16 = typename Simd::I16;
  using U16 = typename Simd::U16;
  using I32 = typename Simd::I32;
  using U32 = typename Simd::U32;

 public:
  SoftmaxVectors(std::int32_t max, const SoftmaxScale& scale)
      : max_(max),
        left_shift_(scale.left_shift),
        right_shift_(static_cast<std::uint32_t>(scale.right_shift)),
        multiplier_(static_cast<std::uint16_t>(scale.multiplier)) {}

  // In lane order. Where kLeft is false, the scale's left_shift must be 0.
  template <bool kLeft>
  U16 distances(const std::int32_t* scores) const {
    return Simd::multiply_high_u16(Simd::pack32_u_in_lanes(scaled<kLeft>(Simd::load32(scores)),
                                                           scaled<kLeft>(Simd::load32(scores + Simd::kLanes32))),
                                   multiplier_);
  }

  // 32640 * 2^-fraction(t)
  static I16 power(U16 t) {
    const I16 fraction((t & U16((1 << kSoftmaxFractionBits) - 1)) << (15 - kSoftmaxFractionBits));
    I16 power = Simd::set16(kExp2C2) + Simd::multiply_q15(Simd::set16(kExp2C3), fraction);
    power = Simd::set16(kExp2C1) + Simd::multiply_q15(power, fraction);
    return Simd::set16(kExp2C0) + Simd::multiply_q15(power, fraction);
  }
  static U16 whole(U16 t) { return t >> kSoftmaxFractionBits; }

  static I16 codes(U16 t) { return Simd::rounded_shift7_plus(power(t), whole(t)); }

 private:
  template <bool kLeft>
  I32 scaled(I32 scores) const {
    I32 distance = max_ - scores;
    if constexpr (kLeft) distance = Simd::shift_left_each(distance, left_shift_);
    return I32(Simd::shift_right_each(U32(distance), right_shift_));
  }

  I32 max_, left_shift_;
  U32 right_shift_;
  U16 multiplier_;
};

// Thresholds and values in the form that StepTable<Simd> wants. Thresholds that no distance reaches fill them up to its
// size, and they are made to ascend, whatever the file says.
//
// Distances are looked up without being clamped to 0..kMaxSoftmaxDistance first. So a threshold of 0 or less, which
// every clamped distance reaches, becomes INT16_MIN, and one above kMaxSoftmaxDistance, which none reaches, INT16_MAX.
template <typename Simd>
StepTable<Simd> make_step_table(const SoftmaxTable& table, bool two_planes) {
  constexpr int kLevels = StepTable<Simd>::kLevels;
  std::int16_t thresholds[kLevels], values[kLevels];
  for (int k = 0; k < kLevels; ++k) {
    thresholds[k] = INT16_MAX;
    values[k] = 0;
  }
  std::int16_t highest = INT16_MIN;
  for (int k = 0; k < table.levels; ++k) {
    values[k] = table_value(table.values[k], two_planes);
    if (k == table.levels - 1) break;
    const std::int16_t threshold = table.thresholds[k] <= 0                    ? INT16_MIN
                                   : table.thresholds[k] > kMaxSoftmaxDistance ? INT16_MAX
                                                                               : table.thresholds[k];
    highest = threshold > highest ? threshold : highest;
    thresholds[k] = highest;
  }
  return StepTable<Simd>(thresholds, values, table.levels);
}

// What changes from row to row. Strides are in elements.
struct SoftmaxBlock {
  static constexpr int kMaxRows = 56;

  int rows;                    // 1..kMaxRows
  const std::int32_t* scores;  // [rows][score_stride], padded_columns each
  std::ptrdiff_t score_stride;
  const std::int32_t* maxima;  // [rows], row_max() of the scores
  // Unless exponential: [rows][distance_stride], padded_columns each. Rows may begin where those of scores do, which
  // are then overwritten.
  std::int16_t* distances;
  std::ptrdiff_t distance_stride;
  std::uint8_t* dst;  // [rows][dst_stride], padded_columns each, as SoftmaxArgs::dst
  std::ptrdiff_t dst_stride;
  SoftmaxSums* sums;  // [rows]
};

// Rows of one kind, scale and table, of which the arguments' columns, scores and dst are not used, and of their scratch
// memory only the values.
template <typename Simd>
class SoftmaxRows {
  using I16 = typename Simd::I16;
  using U16 = typename Simd::U16;
  using I32 = typename Simd::I32;

 public:
  explicit SoftmaxRows(const SoftmaxArgs& args) : args_(args) {
    args_.columns = args_.padded_columns = 0;
    if (args.kind == SoftmaxKind::exponential) return;
    if (in_registers()) {
      steps_ = make_step_table<Simd>(args.table, args.plane_stride != 0);
    } else {
      fill_values();
    }
  }

  // Of rows from then on.
  void set_columns(int columns, int padded_columns) {
    if (args_.columns == columns && args_.padded_columns == padded_columns) return;
    args_.columns = columns;
    args_.padded_columns = padded_columns;
    const int last = columns % kTwoVectors;
    last_columns_[0] = first_elements(last);
    last_columns_[1] = first_elements(last - Simd::kLanes16);
  }

  void operator()(const SoftmaxBlock& block) const {
    const bool left = args_.scale.left_shift != 0;
    if (args_.kind == SoftmaxKind::exponential) {
      left ? exponential_rows<true>(block) : exponential_rows<false>(block);
      return;
    }
    SoftmaxRow rows[SoftmaxBlock::kMaxRows]{};
    if (args_.kind == SoftmaxKind::absolute) {
      left ? absolute_rows<true>(block, rows) : absolute_rows<false>(block, rows);
    } else {
      left ? relative_rows<true>(block) : relative_rows<false>(block);
    }
    args_.plane_stride != 0 ? table_rows<true>(block, rows) : table_rows<false>(block, rows);
  }

 private:
  static constexpr int kTwoVectors = 2 * Simd::kLanes16;

  // Ones in the first elements, which are in lane order, and zeros in the others.
  static I16 first_elements(int count) {
    std::int32_t elements[Simd::kLanes16];
    for (int i = 0; i < Simd::kLanes16; ++i) elements[i] = i < count ? -1 : 0;
    return Simd::pack32_in_lanes(Simd::load32(elements), Simd::load32(elements + Simd::kLanes32));
  }

  template <bool kLeft>
  void exponential_rows(const SoftmaxBlock& block) const {
    I32 parts[SoftmaxBlock::kMaxRows];
    for (int r = 0; r < block.rows; ++r) {
      const SoftmaxVectors<Simd> vectors(block.maxima[r], args_.scale);
      const std::int32_t* scores = block.scores + r * block.score_stride;
      parts[r] = write_row<false>(block.dst + r * block.dst_stride,
                                  [&](int j) { return vectors.codes(vectors.template distances<kLeft>(scores + j)); });
    }
    std::int32_t sums[SoftmaxBlock::kMaxRows];
    reduce_rows<Simd>(
        block.rows, sums, [&](int r) { return parts[r]; }, [](I32 a, I32 b) { return a + b; });
    for (int r = 0; r < block.rows; ++r) {
      const auto sum = static_cast<std::uint32_t>(sums[r]);
      block.sums[r] = {sum, sum};
    }
  }

  // Distances, in lane order, and what each row's have in common; of all rows before any is looked up, since from
  // shares to that is a chain of slow steps, and those of several rows can be under way at once.
  template <bool kLeft>
  void absolute_rows(const SoftmaxBlock& block, SoftmaxRow* rows) const {
    std::uint32_t shares[SoftmaxBlock::kMaxRows];
    for (int r = 0; r < block.rows; ++r) {
      const SoftmaxVectors<Simd> vectors(block.maxima[r], args_.scale);
      const std::int32_t* scores = block.scores + r * block.score_stride;
      std::int16_t* distances = block.distances + r * block.distance_stride;
      shares[r] = sum_row([&](int j) {
        const auto t = vectors.template distances<kLeft>(scores + j);
        Simd::store(distances + j, t);
        return Simd::rounded_shift15_each(vectors.power(t), vectors.whole(t));
      });
    }
    for (int r = 0; r < block.rows; ++r) rows[r] = absolute_row(args_.table, shares[r]);
  }
  template <bool kLeft>
  void relative_rows(const SoftmaxBlock& block) const {
    for (int r = 0; r < block.rows; ++r) {
      const SoftmaxVectors<Simd> vectors(block.maxima[r], args_.scale);
      const std::int32_t* scores = block.scores + r * block.score_stride;
      std::int16_t* distances = block.distances + r * block.distance_stride;
      for (int j = 0; j < args_.columns; j += Simd::kLanes16) {
        Simd::store(distances + j, vectors.template distances<kLeft>(scores + j));
      }
    }
  }

  template <bool kWide>
  void table_rows(const SoftmaxBlock& block, const SoftmaxRow* rows) const {
    const auto with_base = [&](const std::int16_t* distances, int base) {
      return I16(U16(Simd::load16(distances)) >> kSoftmaxDistanceShift) + Simd::set16(base);
    };
    const auto write = [&](int r, const auto& values_at) {
      const auto sum =
          static_cast<std::uint32_t>(Simd::reduce_add32(write_row<kWide>(block.dst + r * block.dst_stride, values_at)));
      block.sums[r] = {sum, rows[r].divisor != 0 ? rows[r].divisor : sum > 0 ? sum : 1};
    };
    if (in_registers()) {
      steps_.with_look_up([&](const auto& look_up) {
        for (int r = 0; r < block.rows; ++r) {
          const std::int16_t* distances = block.distances + r * block.distance_stride;
          write(r, [&](int j) { return look_up(with_base(distances + j, rows[r].base)); });
        }
      });
      return;
    }
    for (int r = 0; r < block.rows; ++r) {
      std::int16_t* distances = block.distances + r * block.distance_stride;
      for (int j = 0; j < args_.columns; j += Simd::kLanes16) {
        const auto distance = with_base(distances + j, rows[r].base);
        Simd::store(distances + j, max(min(distance, I16(kMaxSoftmaxDistance)), I16(0)));
      }
      look_up_in_memory(value_of_distance(), distances, (args_.columns + Simd::kLanes16 - 1) & -Simd::kLanes16);
      write(r, [&](int j) { return Simd::load16(distances + j); });
    }
  }

  // Calls write(j, values, values) with values_at() of two vectors at a time, in order; zeros beyond the last column.
  template <typename ValuesAt, typename Write>
  void for_two_vectors(const ValuesAt& values_at, const Write& write) const {
    int j = 0;
    for (; j + kTwoVectors <= args_.columns; j += kTwoVectors) {
      const auto first = values_at(j);  // before the other, whose distances may overwrite its scores
      write(j, first, values_at(j + Simd::kLanes16));
    }
    if (j == args_.columns) return;
    const auto first = values_at(j) & last_columns_[0];
    const bool both = j + Simd::kLanes16 < args_.columns;
    write(j, first, both ? values_at(j + Simd::kLanes16) & last_columns_[1] : I16(0));
  }

  // The sum of all, modulo 2^32.
  template <typename ValuesAt>
  std::uint32_t sum_row(const ValuesAt& values_at) const {
    I32 sums(0);
    for_two_vectors(values_at,
                    [&](int, I16 first, I16 second) { sums = Simd::add_pairs(Simd::add_pairs(sums, first), second); });
    return static_cast<std::uint32_t>(Simd::reduce_add32(sums));
  }

  // Writes values in lane order to dst and its second plane, and returns partial sums of them, each modulo 2^32. Two
  // vectors fill one of codes, and padded_columns are whole ones.
  template <bool kWide, typename ValuesAt>
  I32 write_row(std::uint8_t* dst, const ValuesAt& values_at) const {
    I32 sums(0);
    const I16 low_bytes(255);
    for_two_vectors(values_at, [&](int j, I16 first, I16 second) {
      if constexpr (kWide) {
        sums = Simd::add_pairs(Simd::add_pairs(sums, first), second);
        Simd::store(dst + args_.plane_stride + j, Simd::lane_codes(I16(U16(first) >> 8), I16(U16(second) >> 8)));
        first = first & low_bytes;
        second = second & low_bytes;
      }
      const auto codes = Simd::lane_codes(first, second);
      if constexpr (!kWide) sums = Simd::add_codes(sums, codes);
      Simd::store(dst + j, codes);
    });
    for (int j = (args_.columns + kTwoVectors - 1) & -kTwoVectors; j < args_.padded_columns; j += kTwoVectors) {
      Simd::store(dst + j, I16(0));
      if constexpr (kWide) Simd::store(dst + args_.plane_stride + j, I16(0));
    }
    return sums;
  }

  void fill_values() const {
    const bool two_planes = args_.plane_stride != 0;
    int filled = 0;
    for (int level = 0; level < args_.table.levels; ++level) {
      const int end = level < args_.table.levels - 1 ? args_.table.thresholds[level] : kMaxSoftmaxDistance + 1;
      const std::int16_t value = table_value(args_.table.values[level], two_planes);
      for (; filled < end && filled <= kMaxSoftmaxDistance; ++filled) value_of_distance()[filled] = value;
    }
  }

  bool in_registers() const { return args_.table.levels <= StepTable<Simd>::kLevels; }
  std::int16_t* value_of_distance() const { return static_cast<std::int16_t*>(args_.scratch); }

  SoftmaxArgs args_;
  I16 last_columns_[2];    // of the last two vectors, ones in what is a column
  StepTable<Simd> steps_;  // if it is large enough for the table
};

// One row.
template <typename Simd>
SoftmaxSums softmax_row(const SoftmaxArgs& args) {
  const std::int32_t max = row_max<Simd>(args.scores, args.columns);
  SoftmaxSums sums;
  SoftmaxBlock block{};
  block.rows = 1;
  block.scores = args.scores;
  block.maxima = &max;
  if (args.kind != SoftmaxKind::exponential) {
    block.distances = static_cast<std::int16_t*>(args.scratch) + kMaxSoftmaxDistance + 1;
  }
  block.dst = args.dst;
  block.sums = &sums;
  SoftmaxRows<Simd> rows(args);
  rows.set_columns(args.columns, args.padded_columns);
  rows(block);
  return sums;
}

}  // namespace
}  // namespace intvit::kernels
