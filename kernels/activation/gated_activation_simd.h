// activate_value() of gated_activation_law.h for whole vectors.
#pragma once

#include "kernels/activation/gated_activation.h"

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
        within_to_q15_(15 - act.segment_bits),
        to_segment_(act.segment_bits) {}

  // For codes, the result still needs the unsigned saturation of store_codes.
  typename Simd::I16 operator()(typename Simd::I16 x) const {
    const auto magnitude = magnitude_of(x);
    typename Simd::I16 base, slope;
    table_.look_up(to_segment_.right_u16(magnitude), base, slope);
    return value(x, magnitude, base, slope);
  }
  // The same for two vectors in place.
  void operator()(typename Simd::I16& x0, typename Simd::I16& x1) const {
    const auto magnitude0 = magnitude_of(x0), magnitude1 = magnitude_of(x1);
    typename Simd::I16 base0, slope0, base1, slope1;
    table_.look_up(to_segment_.right_u16(magnitude0), to_segment_.right_u16(magnitude1), base0, slope0, base1, slope1);
    x0 = value(x0, magnitude0, base0, slope0);
    x1 = value(x1, magnitude1, base1, slope1);
  }

 private:
  typename Simd::I16 magnitude_of(typename Simd::I16 x) const {
    return Simd::min_u16(Simd::abs16(x), limit_);  // |-32768| is 32768 as an unsigned number
  }
  typename Simd::I16 value(typename Simd::I16 x, typename Simd::I16 magnitude, typename Simd::I16 base,
                           typename Simd::I16 slope) const {
    const auto fraction = within_to_q15_.left(Simd::and16(magnitude, within_mask_));
    const auto delta = Simd::adds16(base, Simd::multiply_q15(slope, fraction));
    const auto y = Simd::subs16(Simd::max16(x, Simd::zero()), delta);
    return Simd::adds16(Simd::multiply_q15(y, multiplier_), zero_point_);
  }

  typename Simd::PairTable table_;
  typename Simd::I16 limit_, within_mask_, multiplier_, zero_point_;
  typename Simd::Shift16 within_to_q15_, to_segment_;
};

}  // namespace
}  // namespace intvit::kernels
