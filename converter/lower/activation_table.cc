#include "converter/lower/activation_table.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "kernels/activation/gated_activation.h"

namespace intvit {

double activation_value(Activation activation, double x) {
  switch (activation) {
    case Activation::gelu_erf:
      return 0.5 * x * std::erfc(-x / std::numbers::sqrt2);
    case Activation::gelu_tanh:
      return 0.5 * x * (1 + std::tanh(std::sqrt(2 / std::numbers::pi) * (x + 0.044715 * x * x * x)));
    case Activation::quick_gelu:
      return x / (1 + std::exp(-1.702 * x));
    case Activation::relu:
      return std::max(x, 0.0);
    case Activation::silu:
      return x / (1 + std::exp(-x));
  }
  return x;
}

ActivationTable make_activation_table(Activation activation, double magnitude, double coarsest_step) {
  // The tails of quick GELU and SiLU are longer: their tables reach to 8 instead of 4, where SiLU has 0.0027 left.
  const bool long_tail = activation == Activation::quick_gelu || activation == Activation::silu;
  const int segments_per_unit_log2 = long_tail ? 3 : 4;
  ActivationTable table;
  // The finest unit that leaves half as much room again above the largest value seen.
  table.fraction_bits = 12;
  const auto too_fine = [&] {
    return std::ldexp(magnitude * 1.5, table.fraction_bits) > 32767 ||
           std::ldexp(coarsest_step, table.fraction_bits) > 0.99;
  };
  while (table.fraction_bits > segments_per_unit_log2 && too_fine()) {
    --table.fraction_bits;
  }
  table.segment_bits = table.fraction_bits - segments_per_unit_log2;
  const auto delta = [&](int segment) {
    if (segment == kernels::kActivationSegments) return 0.0;
    const double t = std::ldexp(segment, -segments_per_unit_log2);
    return std::round(std::ldexp(t - activation_value(activation, t), table.fraction_bits));
  };
  table.entries.resize(2 * kernels::kActivationSegments);
  for (int i = 0; i < kernels::kActivationSegments; ++i) {
    table.entries[static_cast<std::size_t>(i)] = static_cast<std::int16_t>(delta(i));
    table.entries[static_cast<std::size_t>(kernels::kActivationSegments + i)] =
        static_cast<std::int16_t>(delta(i + 1) - delta(i));
  }
  return table;
}

}  // namespace intvit
