// softmax.h for whole vectors.
#pragma once

#include <cstring>

#include "kernels/softmax/softmax.h"

namespace intvit::kernels {
namespace {

template <typename Simd>
std::int32_t row_max(const std::int32_t* scores, int columns) {
  constexpr int kLanes = Simd::kLanes32;
  std::int32_t max = scores[0];
  int j = 0;
  if (columns >= kLanes) {
    auto maxima = Simd::load32(scores);
    for (j = kLanes; j + kLanes <= columns; j += kLanes) maxima = Simd::max32(maxima, Simd::load32(scores + j));
    max = Simd::reduce_max32(maxima);
  }
  for (; j < columns; ++j) max = scores[j] > max ? scores[j] : max;
  return max;
}

// One vector of codes as 16-bit values.
template <typename Simd>
class SoftmaxVectors {
 public:
  SoftmaxVectors(std::int32_t max, const SoftmaxScale& scale)
      : max_(Simd::set32(max)), scale_(scale), multiplier_(Simd::set16(static_cast<std::int16_t>(scale.multiplier))) {}

  typename Simd::I16 operator()(typename Simd::I32 lo, typename Simd::I32 hi) const {
    const auto scaled = Simd::pack32_u(distance(lo), distance(hi));
    const auto t = Simd::multiply_high_u16(scaled, multiplier_);
    const auto whole = Simd::shift_right_u16(t, kSoftmaxFractionBits);
    const auto fraction =
        Simd::shift_left16(Simd::and16(t, Simd::set16((1 << kSoftmaxFractionBits) - 1)), 15 - kSoftmaxFractionBits);
    auto power = Simd::add16(Simd::set16(kExp2C2), Simd::multiply_q15(Simd::set16(kExp2C3), fraction));
    power = Simd::add16(Simd::set16(kExp2C1), Simd::multiply_q15(power, fraction));
    power = Simd::add16(Simd::set16(kExp2C0), Simd::multiply_q15(power, fraction));
    return Simd::halve_up_u16(Simd::shift_right_by_6_plus(power, whole));
  }

 private:
  typename Simd::I32 distance(typename Simd::I32 scores) const {
    const auto d = Simd::sub32(max_, scores);
    return Simd::shift_right_u32(Simd::shift_left32(d, scale_.left_shift), scale_.right_shift);
  }

  typename Simd::I32 max_;
  SoftmaxScale scale_;
  typename Simd::I16 multiplier_;
};

template <typename Simd>
std::uint32_t softmax_row(const SoftmaxArgs& args) {
  const SoftmaxVectors<Simd> codes(row_max<Simd>(args.scores, args.columns), args.scale);
  // The last vector reaches into the padding, which is then cleared; padded_columns are whole vectors everywhere.
  for (int j = 0; j < args.columns; j += Simd::kLanes16) {
    Simd::store_codes(args.dst + j,
                      codes(Simd::load32(args.scores + j), Simd::load32(args.scores + j + Simd::kLanes32)));
  }
  std::memset(args.dst + args.columns, 0, static_cast<std::size_t>(args.padded_columns - args.columns));
  return Simd::sum_bytes(args.dst, args.padded_columns);
}

}  // namespace
}  // namespace intvit::kernels
