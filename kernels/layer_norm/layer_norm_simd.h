// layer_norm.h for whole vectors of channels; channels beyond the last whole vector are done by the law itself.
#pragma once

#include "kernels/layer_norm/layer_norm_law.h"

namespace intvit::kernels {
namespace {

// A 32-bit lane holds sums of pairs, |pair| <= 2^16: 2^14 additions cannot overflow it.
inline constexpr int kVectorsPerPartialSum = 1 << 14;

// What a row's factors need is a chain of slow steps, of which those of several rows can be under way at once: so rows
// are summed, then their factors are made, then they are written.
inline constexpr int kRowsAtOnce = 16;

struct RowSums {
  std::int64_t sums[kRowsAtOnce] = {};
  std::uint64_t squares[kRowsAtOnce] = {};
};

template <typename Simd>
void sum_row(const std::int16_t* src, int channels, std::int64_t& sum_of_row, std::uint64_t& squares_of_row) {
  constexpr int kLanes = Simd::kLanes16;
  typename Simd::I32 sums(0);
  typename Simd::U64 squares(0);  // 64-bit lanes; a pair of squares is at most 2^31, an unsigned 32-bit value
  std::int64_t sum = 0;
  int c = 0;
  for (int vectors = 0; c + kLanes <= channels; c += kLanes) {
    const auto x = Simd::load16(src + c);
    sums = Simd::add_pairs(sums, x);
    squares = Simd::accumulate_u32(squares, Simd::multiply_add_pairs(x, x));
    if (++vectors == kVectorsPerPartialSum / kLanes) {  // / kLanes: the horizontal sum must not overflow either
      sum += Simd::reduce_add32(sums);
      sums = 0;
      vectors = 0;
    }
  }
  sum += Simd::reduce_add32(sums);
  std::uint64_t sum_of_squares = Simd::reduce_add64(squares);
  for (; c < channels; ++c) {
    sum += src[c];
    sum_of_squares += static_cast<std::uint64_t>(std::int64_t{src[c]} * src[c]);
  }
  sum_of_row = sum;
  squares_of_row = sum_of_squares;
}

// T is what is written: u8 codes or s16 values.
template <typename Simd, bool kShiftLeft, typename T>
void write_row(const std::int16_t* src, T* dst, const RowNormalization& row, const LayerNormArgs& args) {
  constexpr int kLanes = Simd::kLanes16;
  const auto mean = Simd::set16(row.mean);
  const auto inverse = Simd::set16(row.inverse);
  const auto power = Simd::set16(kShiftLeft ? 0 : 1 << (15 + row.exponent));
  const typename Simd::I32 rounding(1 << (args.shift - 1)), shift(args.shift);
  const auto beta_unit = Simd::set16(1 << args.beta_shift);
  struct Halves {
    typename Simd::I32 lo, hi;
  };
  const auto values_at = [&](int c) {
    const auto x = Simd::to_lane_order(Simd::load16(src + c));
    const auto scaled = kShiftLeft ? x << row.exponent : Simd::multiply_q15(x, power);
    const auto u = Simd::multiply_q15(scaled - mean, inverse);
    const std::int16_t* affine = args.affine + 2 * c;
    const auto lo = Simd::add_products_of_pairs(rounding, Simd::pairs_lo(u, beta_unit), Simd::load16(affine));
    const auto hi = Simd::add_products_of_pairs(rounding, Simd::pairs_hi(u, beta_unit), Simd::load16(affine + kLanes));
    return Halves{Simd::shift_right_each(lo, shift), Simd::shift_right_each(hi, shift)};
  };
  int c = 0;
  if constexpr (sizeof(T) == 1) {
    const typename Simd::Codes max_code(static_cast<std::uint8_t>(args.max_code));
    const auto lanes_at = [&](int column) {
      const Halves values = values_at(column);
      return Simd::pack32_in_lanes(values.lo, values.hi);
    };
    for (; c + 2 * kLanes <= args.channels; c += 2 * kLanes) {
      Simd::store(dst + c, min(Simd::lane_codes(lanes_at(c), lanes_at(c + kLanes)), max_code));
    }
    if (c + kLanes <= args.channels) {
      const auto lanes = lanes_at(c);
      Simd::template store_codes_of_first<false>(dst + c, min(Simd::lane_codes(lanes, lanes), max_code));
      c += kLanes;
    }
  } else {
    for (; c + kLanes <= args.channels; c += kLanes) {
      const Halves halves = values_at(c);
      const auto values = Simd::pack32(halves.lo, halves.hi);
      Simd::store(dst + c, args.add ? sadd(Simd::load16(dst + c), values) : values);
    }
  }
  layer_norm_elements(src, dst, row, args, c);
}

template <typename Simd, typename T, typename Normalize>
void write_rows(const LayerNormArgs& args, const Normalize& normalize) {
  for (int first = 0; first < args.rows; first += kRowsAtOnce) {
    const int count = args.rows - first < kRowsAtOnce ? args.rows - first : kRowsAtOnce;
    const std::int16_t* src = args.src + first * args.src_stride;
    RowSums all;
    for (int r = 0; r < count; ++r) {
      sum_row<Simd>(src + r * args.src_stride, args.channels, all.sums[r], all.squares[r]);
      if (!args.centred) all.sums[r] = 0;
    }
    RowNormalization rows[kRowsAtOnce];
    normalize(all, count, rows);
    for (int r = 0; r < count; ++r) {
      T* dst = static_cast<T*>(args.dst) + (first + r) * args.dst_stride;
      if (rows[r].exponent >= 0) {
        write_row<Simd, true>(src + r * args.src_stride, dst, rows[r], args);
      } else {
        write_row<Simd, false>(src + r * args.src_stride, dst, rows[r], args);
      }
    }
  }
}

// normalize(sums, count, rows) makes a RowNormalization of each of `count` rows; there is room for kRowsAtOnce.
template <typename Simd, typename Normalize>
void layer_norm_rows(const LayerNormArgs& args, const Normalize& normalize) {
  if (args.values) {
    write_rows<Simd, std::int16_t>(args, normalize);
  } else {
    write_rows<Simd, std::uint8_t>(args, normalize);
  }
}

}  // namespace
}  // namespace intvit::kernels
