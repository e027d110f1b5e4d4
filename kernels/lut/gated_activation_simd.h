// activate_value() of gated_activation.h for a whole vector.
#pragma once

#include "kernels/lut/gated_activation.h"

namespace intvit::kernels {
namespace {

template <typename Simd>
class ActivationVectors {
 public:
  explicit ActivationVectors(const GatedActivation& act)
      : table_(act.base, act.slope),
        limit_(Simd::set16(static_cast<std::int16_t>((kActivationSegments << act.segment_bits) - 1))),
        within_mask_(Simd::set16(static_cast<std::int16_t>((1 << act.segment_bits) - 1))),
        multiplier_(Simd::set16(act.multiplier)),
        zero_point_(Simd::set16(act.zero_point)),
        segment_bits_(act.segment_bits) {}

  // For codes, the result still needs the unsigned saturation of store_codes.
  typename Simd::I16 operator()(typename Simd::I16 x) const {
    const auto magnitude = Simd::min_u16(Simd::abs16(x), limit_);  // |-32768| is 32768 as an unsigned number
    const auto fraction = Simd::shift_left16(Simd::and16(magnitude, within_mask_), 15 - segment_bits_);
    typename Simd::I16 base, slope;
    table_.look_up(Simd::shift_right_u16(magnitude, segment_bits_), base, slope);
    const auto delta = Simd::adds16(base, Simd::multiply_q15(slope, fraction));
    const auto y = Simd::subs16(Simd::max16(x, Simd::zero()), delta);
    return Simd::adds16(Simd::multiply_q15(y, multiplier_), zero_point_);
  }

 private:
  typename Simd::PairTable table_;
  typename Simd::I16 limit_, within_mask_, multiplier_, zero_point_;
  int segment_bits_;
};

}  // namespace
}  // namespace intvit::kernels
