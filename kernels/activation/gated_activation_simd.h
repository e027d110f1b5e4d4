// activate_value() of gated_activation_law.h for whole vectors.
#pragma once

#include "kernels/activation/gated_activation.h"
#include "kernels/simd/tables.h"

namespace intvit::kernels {
namespace {

template <typename Simd>
class ActivationVectors {
  using I16 = typename Simd::I16;
  using U16 = typename Simd::U16;

 public:
  explicit ActivationVectors(const GatedActivation& act)
      : table_(act.base, act.slope),
        limit_(static_cast<std::uint16_t>((kActivationSegments << act.segment_bits) - 1)),
        within_mask_(static_cast<std::uint16_t>((1 << act.segment_bits) - 1)),
        multiplier_(Simd::set16(act.multiplier)),
        zero_point_(Simd::set16(act.zero_point)),
        within_to_q15_(15 - act.segment_bits),
        to_segment_(act.segment_bits) {}

  // For codes, the result still needs the unsigned saturation of store_codes.
  I16 operator()(I16 x) const {
    const U16 magnitude = magnitude_of(x);
    I16 base, slope;
    table_.look_up(to_segment_.right(magnitude), base, slope);
    return value(x, magnitude, base, slope);
  }
  // The same for two vectors in place.
  void operator()(I16& x0, I16& x1) const {
    const U16 magnitude0 = magnitude_of(x0), magnitude1 = magnitude_of(x1);
    I16 base0, slope0, base1, slope1;
    table_.look_up(to_segment_.right(magnitude0), to_segment_.right(magnitude1), base0, slope0, base1, slope1);
    x0 = value(x0, magnitude0, base0, slope0);
    x1 = value(x1, magnitude1, base1, slope1);
  }

 private:
  U16 magnitude_of(I16 x) const {
    return min(U16(abs(x)), limit_);  // |-32768| is 32768 as an unsigned number
  }
  I16 value(I16 x, U16 magnitude, I16 base, I16 slope) const {
    const I16 fraction(within_to_q15_.left(magnitude & within_mask_));
    const I16 delta = sadd(base, Simd::multiply_q15(slope, fraction));
    const I16 y = ssub(max(x, I16(0)), delta);
    return sadd(Simd::multiply_q15(y, multiplier_), zero_point_);
  }

  PairTable<Simd> table_;
  U16 limit_, within_mask_;
  I16 multiplier_, zero_point_;
  typename Simd::Shift16 within_to_q15_, to_segment_;
};

}  // namespace
}  // namespace intvit::kernels
