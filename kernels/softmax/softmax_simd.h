// softmax.h for whole vectors.
#pragma once

#include <cstring>

#include "kernels/simd/look_up.h"
#include "kernels/softmax/softmax_table.h"

namespace intvit::kernels {
namespace {

template <typename Simd>
std::int32_t row_max(const std::int32_t* scores, int columns) {
  constexpr int kLanes = Simd::kLanes32;
  if (columns < kLanes) {
    std::int32_t max = scores[0];
    for (int j = 1; j < columns; ++j) max = scores[j] > max ? scores[j] : max;
    return max;
  }
  // The last vector may begin within the one before.
  auto maxima = Simd::load32(scores + columns - kLanes);
  for (int j = 0; j + kLanes < columns; j += kLanes) maxima = Simd::max32(maxima, Simd::load32(scores + j));
  return Simd::reduce_max32(maxima);
}

// Vectors of t and of what it stands for, as 16-bit values.
template <typename Simd>
class SoftmaxVectors {
 public:
  SoftmaxVectors(std::int32_t max, const SoftmaxScale& scale)
      : max_(Simd::set32(max)),
        left_shift_(Simd::set32(scale.left_shift)),
        right_shift_(Simd::set32(scale.right_shift)),
        multiplier_(Simd::set16(static_cast<std::int16_t>(scale.multiplier))) {}

  typename Simd::I16 distances(const std::int32_t* scores) const {
    return Simd::multiply_high_u16(
        Simd::pack32_u(scaled<true>(Simd::load32(scores)), scaled<true>(Simd::load32(scores + Simd::kLanes32))),
        multiplier_);
  }
  // In lane order, and where kLeft is false, the scale's left_shift must be 0.
  template <bool kLeft>
  typename Simd::I16 distances_in_lanes(const std::int32_t* scores) const {
    return Simd::multiply_high_u16(Simd::pack32_u_in_lanes(scaled<kLeft>(Simd::load32(scores)),
                                                           scaled<kLeft>(Simd::load32(scores + Simd::kLanes32))),
                                   multiplier_);
  }

  // 32640 * 2^-fraction(t)
  static typename Simd::I16 power(typename Simd::I16 t) {
    const auto fraction =
        Simd::shift_left16(Simd::and16(t, Simd::set16((1 << kSoftmaxFractionBits) - 1)), 15 - kSoftmaxFractionBits);
    auto power = Simd::add16(Simd::set16(kExp2C2), Simd::multiply_q15(Simd::set16(kExp2C3), fraction));
    power = Simd::add16(Simd::set16(kExp2C1), Simd::multiply_q15(power, fraction));
    return Simd::add16(Simd::set16(kExp2C0), Simd::multiply_q15(power, fraction));
  }
  static typename Simd::I16 whole(typename Simd::I16 t) { return Simd::shift_right_u16(t, kSoftmaxFractionBits); }

  static typename Simd::I16 codes(typename Simd::I16 t) {
    return Simd::halve_up_u16(Simd::shift_right_by_6_plus(power(t), whole(t)));
  }

 private:
  template <bool kLeft>
  typename Simd::I32 scaled(typename Simd::I32 scores) const {
    auto distance = Simd::sub32(max_, scores);
    if constexpr (kLeft) distance = Simd::shift_left32_each(distance, left_shift_);
    return Simd::shift_right_u32_each(distance, right_shift_);
  }

  typename Simd::I32 max_, left_shift_, right_shift_;
  typename Simd::I16 multiplier_;
};

// Thresholds and values in the form that Simd::StepTable wants: filled up to its size with thresholds that no distance
// reaches, and ascending, whatever the file says.
template <typename Simd>
typename Simd::StepTable make_step_table(const SoftmaxTable& table, bool wide) {
  constexpr int kLevels = Simd::StepTable::kLevels;
  std::int16_t thresholds[kLevels], values[kLevels];
  std::int16_t highest = INT16_MIN;
  for (int k = 0; k < kLevels; ++k) {
    if (k < table.levels - 1) highest = table.thresholds[k] > highest ? table.thresholds[k] : highest;
    thresholds[k] = k < table.levels - 1 ? highest : INT16_MAX;
    values[k] = k < table.levels ? table_value(table.values[k], wide) : std::int16_t{0};
  }
  return typename Simd::StepTable(thresholds, values, table.levels);
}

// Rows of one kind, scale and table, of which the arguments' scores and dst are not used.
template <typename Simd>
class SoftmaxRows {
 public:
  explicit SoftmaxRows(const SoftmaxArgs& args) : args_(args) {
    if (args.kind == SoftmaxKind::exponential) {
      const int last = args.columns % kTwoVectors;
      last_columns_[0] = first_elements(last);
      last_columns_[1] = first_elements(last - Simd::kLanes16);
    } else if (args.table.levels <= Simd::StepTable::kLevels) {
      steps_ = make_step_table<Simd>(args.table, wide());
    } else {
      fill_values();
    }
  }

  // `max` is row_max() of the scores.
  SoftmaxSums operator()(const std::int32_t* scores, std::int32_t max, std::uint8_t* dst) const {
    const SoftmaxVectors<Simd> vectors(max, args_.scale);
    if (args_.kind != SoftmaxKind::exponential) return table_row(vectors, scores, dst);
    return args_.scale.left_shift == 0 ? exponential_row<false>(vectors, scores, dst)
                                       : exponential_row<true>(vectors, scores, dst);
  }

 private:
  static constexpr int kTwoVectors = 2 * Simd::kLanes16;

  // Ones in the first elements, which are in lane order, and zeros in the others.
  static typename Simd::I16 first_elements(int count) {
    std::int32_t elements[Simd::kLanes16];
    for (int i = 0; i < Simd::kLanes16; ++i) elements[i] = i < count ? -1 : 0;
    return Simd::pack32_in_lanes(Simd::load32(elements), Simd::load32(elements + Simd::kLanes32));
  }

  // Two vectors at a time, so that they fill one of codes; padded_columns are whole ones.
  template <bool kLeft>
  SoftmaxSums exponential_row(const SoftmaxVectors<Simd>& vectors, const std::int32_t* scores,
                              std::uint8_t* dst) const {
    const auto codes_at = [&](int j) { return vectors.codes(vectors.template distances_in_lanes<kLeft>(scores + j)); };
    auto sums = Simd::zero();
    int j = 0;
    const auto write = [&](typename Simd::I16 first, typename Simd::I16 second) {
      sums = Simd::add_pairs(Simd::add_pairs(sums, first), second);
      Simd::store16(dst + j, Simd::lane_codes(first, second));
      j += kTwoVectors;
    };
    while (j + kTwoVectors <= args_.columns) write(codes_at(j), codes_at(j + Simd::kLanes16));
    if (j < args_.columns) {
      const bool both = j + Simd::kLanes16 < args_.columns;
      write(Simd::and16(codes_at(j), last_columns_[0]),
            both ? Simd::and16(codes_at(j + Simd::kLanes16), last_columns_[1]) : Simd::zero());
    }
    for (; j < args_.padded_columns; j += kTwoVectors) Simd::store16(dst + j, Simd::zero());
    const auto sum = static_cast<std::uint32_t>(Simd::reduce_add32(sums));
    return {sum, sum};
  }

  SoftmaxSums table_row(const SoftmaxVectors<Simd>& vectors, const std::int32_t* scores, std::uint8_t* dst) const {
    std::int16_t* t = distances();
    for (int j = 0; j < args_.columns; j += Simd::kLanes16) Simd::store16(t + j, vectors.distances(scores + j));
    const SoftmaxRow row =
        args_.kind == SoftmaxKind::absolute ? absolute_row(args_.table, sum_shares(t)) : SoftmaxRow{};
    const auto base = Simd::set16(static_cast<std::int16_t>(row.base));
    const auto table_distances = [&](int j) {
      const auto d = Simd::add16(Simd::shift_right_u16(Simd::load16(t + j), kSoftmaxDistanceShift), base);
      return Simd::max16(Simd::min16(d, Simd::set16(kMaxSoftmaxDistance)), Simd::zero());
    };
    if (args_.table.levels <= Simd::StepTable::kLevels) {
      steps_.with_look_up([&](const auto& look_up) {
        for (int j = 0; j < args_.columns; j += Simd::kLanes16) store_values(dst + j, look_up(table_distances(j)));
      });
    } else {
      for (int j = 0; j < args_.columns; j += Simd::kLanes16) Simd::store16(t + j, table_distances(j));
      look_up_in_memory(value_of_distance(), t, args_.columns);
      for (int j = 0; j < args_.columns; j += Simd::kLanes16) store_values(dst + j, Simd::load16(t + j));
    }
    clear_padding(dst);
    std::uint32_t sum = Simd::sum_bytes(dst, args_.padded_columns);
    if (wide()) {
      clear_padding(dst + args_.plane_stride);
      sum += Simd::sum_bytes(dst + args_.plane_stride, args_.padded_columns) << 8;
    }
    return {sum, row.divisor != 0 ? row.divisor : sum > 0 ? sum : 1};
  }

  // Of 32640 * 2^-t, modulo 2^32.
  std::uint32_t sum_shares(std::int16_t* t) const {
    // Beyond the last column a distance at which nothing is left.
    for (int j = args_.columns; j % Simd::kLanes16 != 0; ++j) t[j] = -1;
    auto sums = Simd::zero();
    for (int j = 0; j < args_.columns; j += Simd::kLanes16) {
      const auto distance = Simd::load16(t + j);
      const auto shares =
          Simd::rounded_shift15_each(SoftmaxVectors<Simd>::power(distance), SoftmaxVectors<Simd>::whole(distance));
      sums = Simd::add_pairs(sums, shares);
    }
    return static_cast<std::uint32_t>(Simd::reduce_add32(sums));
  }

  void store_values(std::uint8_t* dst, typename Simd::I16 values) const {
    if (wide()) {
      Simd::store_codes(dst + args_.plane_stride, Simd::shift_right_u16(values, 8));
      values = Simd::and16(values, Simd::set16(255));
    }
    Simd::store_codes(dst, values);
  }

  void clear_padding(std::uint8_t* dst) const {
    std::memset(dst + args_.columns, 0, static_cast<std::size_t>(args_.padded_columns - args_.columns));
  }

  void fill_values() const {
    int filled = 0;
    for (int level = 0; level < args_.table.levels; ++level) {
      const int end = level < args_.table.levels - 1 ? args_.table.thresholds[level] : kMaxSoftmaxDistance + 1;
      const std::int16_t value = table_value(args_.table.values[level], wide());
      for (; filled < end && filled <= kMaxSoftmaxDistance; ++filled) value_of_distance()[filled] = value;
    }
  }

  bool wide() const { return args_.plane_stride != 0; }
  std::int16_t* value_of_distance() const { return static_cast<std::int16_t*>(args_.scratch); }
  std::int16_t* distances() const { return value_of_distance() + kMaxSoftmaxDistance + 1; }

  SoftmaxArgs args_;
  typename Simd::I16 last_columns_[2];  // exponential: of the last two vectors, ones in what is a column
  typename Simd::StepTable steps_;      // if it is large enough for the table
};

}  // namespace
}  // namespace intvit::kernels
