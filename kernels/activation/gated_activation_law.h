// The law for gated_activation.h, for one element.
#pragma once

#include <cstdint>

#include "kernels/activation/gated_activation.h"
#include "kernels/arithmetic/arithmetic.h"

namespace intvit::kernels {
namespace {

// The law for one element. |act(x)| <= 32767: delta >= 0 is subtracted with saturation.
[[maybe_unused]] inline std::int16_t activate_value(std::int16_t x, const GatedActivation& act) noexcept {
  const std::uint32_t limit = (static_cast<std::uint32_t>(kActivationSegments) << act.segment_bits) - 1;
  std::uint32_t magnitude = static_cast<std::uint32_t>(x < 0 ? -static_cast<std::int32_t>(x) : x);
  if (magnitude > limit) magnitude = limit;
  const std::uint32_t segment = magnitude >> act.segment_bits;
  const std::uint32_t within = magnitude & ((1u << act.segment_bits) - 1);
  const std::int16_t fraction = static_cast<std::int16_t>(within << (15 - act.segment_bits));
  const std::int32_t delta = saturate_s16(act.base[segment] + multiply_q15(act.slope[segment], fraction));
  const std::int16_t y = saturate_s16((x > 0 ? x : 0) - delta);
  return saturate_s16(multiply_q15(y, act.multiplier) + act.zero_point);
}

[[maybe_unused]] inline std::uint8_t activate(std::int16_t x, const GatedActivation& act) noexcept {
  return saturate_u8(activate_value(x, act));
}

}  // namespace
}  // namespace intvit::kernels
