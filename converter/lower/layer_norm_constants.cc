#include "converter/lower/layer_norm_constants.h"

#include <algorithm>
#include <cmath>

#include "converter/lower/fixed_point.h"

namespace intvit {

Result<LayerNormConstants> layer_norm_constants(const LayerNorm& layer, std::span<const UniformScheme> codes,
                                                double unit) {
  const FloatLayerNorm& norm = layer.norm;
  const auto width = static_cast<double>(norm.gamma.size() / static_cast<std::size_t>(layer.groups));
  const double sigma_units = std::exp2(13.5) / std::sqrt(width);  // of u
  const auto of = [&](std::size_t c) -> const UniformScheme& { return codes[c * codes.size() / norm.gamma.size()]; };
  const auto gamma = [&](std::size_t c) { return norm.gamma[c] / (of(c).scale * sigma_units); };
  const auto beta = [&](std::size_t c) { return norm.beta[c] / of(c).scale + of(c).zero_point; };
  double largest_gamma = 0, largest_beta = 1;
  for (std::size_t c = 0; c < norm.gamma.size(); ++c) {
    largest_gamma = std::max(largest_gamma, std::abs(gamma(c)));
    largest_beta = std::max(largest_beta, std::abs(beta(c)));
  }
  // As many fraction bits as gamma has room for; beta gets its own power of two, of at most 14 bits.
  int shift = 30;
  while (shift > 1 && std::ldexp(largest_gamma, shift) > kLargestS16) --shift;
  while (shift > 1 && std::ldexp(largest_beta, shift - 14) > kLargestS16) --shift;
  int beta_shift = 0;
  while (beta_shift < 14 && std::ldexp(largest_beta, shift - beta_shift) > kLargestS16) ++beta_shift;
  if (std::ldexp(largest_gamma, shift) > kLargestS16 || std::ldexp(largest_beta, shift - beta_shift) > kLargestS16) {
    return Status(Code::unsupported, "a LayerNorm gain or offset that is too large for 16 bits");
  }
  LayerNormConstants constants{{}, shift, beta_shift, 0};
  for (std::size_t c = 0; c < norm.gamma.size(); ++c) {
    constants.affine.push_back(to_s16(std::ldexp(gamma(c), shift)));
    constants.affine.push_back(to_s16(std::ldexp(beta(c), shift - beta_shift)));
  }
  const double epsilon = width * width * layer.eps / (unit * unit);
  constants.epsilon = static_cast<std::uint64_t>(std::clamp(std::round(epsilon), 1.0, std::ldexp(1.0, 61)));
  return constants;
}

}  // namespace intvit
