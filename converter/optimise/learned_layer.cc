#include "converter/optimise/learned_layer.h"

#include <algorithm>
#include <cmath>

#include "converter/float/parallel.h"

namespace intvit {
namespace {

constexpr float kLength = 1.2f, kBelow = 0.1f;  // h = clip(kLength sigmoid(a) - kBelow, 0, 1) reaches both ends
constexpr float kFirst = 0.85f;                 // h of the upper code at first

float sigmoid(float x) { return 1 / (1 + std::exp(-x)); }
float clipped(float sigmoid) { return std::clamp(kLength * sigmoid - kBelow, 0.0f, 1.0f); }

}  // namespace

LearnedLayer::LearnedLayer(const FloatLinear& layer, const QuantizedWeights& start)
    : layer_(layer),
      start_(start),
      lower_(start.codes.size()),
      latent_(start.codes.size()),
      log_scale_(start.scales.size()),
      bias_(start.scales.size()),
      scales_(start.scales.size()),
      biases_(start.scales.size()) {
  constexpr float kSigmoid = (kFirst + kBelow) / kLength;
  const float first = std::log(kSigmoid / (1 - kSigmoid));
  const auto k = static_cast<std::size_t>(start.k);
  const auto [lowest, highest] = weight_code_range(start.bits);
  for (std::size_t i = 0; i < latent_.size(); ++i) {
    const std::size_t column = i / k;
    const double exact = layer.weight[i] / (start.scales[column] * start.code_weight()) + start.zero_points[column];
    const int code = start.codes[i];
    // The other code is on the side of the float weight.
    const bool up = code == lowest || (exact > code && code < highest);
    lower_[i] = static_cast<std::int16_t>(up ? code : code - 1);
    latent_[i] = up ? -first : first;
  }
}

float LearnedLayer::width(std::size_t column) const {
  return static_cast<float>(start_.scales[column] * start_.code_weight()) * std::exp(log_scale_[column]);
}

void LearnedLayer::put(FloatLinear& to, bool soft) const {
  const auto k = static_cast<std::size_t>(start_.k);
  for (std::size_t column = 0; column < log_scale_.size(); ++column) {
    const float step = width(column);
    for (std::size_t i = column * k; i < (column + 1) * k; ++i) {
      const float h = soft ? clipped(sigmoid(latent_[i])) : hard(i);
      to.weight[i] = step * (static_cast<float>(lower_[i] - start_.zero_points[column]) + h);
    }
    to.bias[column] = static_cast<float>(layer_.bias[column] + start_.bias_correction[column]) + bias_[column];
  }
}

void LearnedLayer::learn(const LinearGradient& gradient, const LearningRates& rates, const LearningStep& step,
                         int threads) {
  if (step.soft) latents_.resize(latent_.size());
  const AdamStep rounding = AdamStep::at(step.t, rates.rounding * step.rounding_share),
                 scale = AdamStep::at(step.t, rates.scale * step.share),
                 bias = AdamStep::at(step.t, rates.bias * step.share);
  const auto k = static_cast<std::size_t>(start_.k);
  // d(1 - |2 h - 1|^beta) / dh = -2 beta |2 h - 1|^(beta - 1) sign(2 h - 1)
  const auto decide = static_cast<float>(2 * step.beta * rates.decision / static_cast<double>(latent_.size()));
  const auto power = static_cast<float>(step.beta - 1);
  parallel_for(threads, start_.n, [&](int task) {
    const auto column = static_cast<std::size_t>(task);
    const float one = width(column);
    float along = 0;
    for (std::size_t i = column * k; i < (column + 1) * k; ++i) {
      const float s = sigmoid(latent_[i]), h = step.soft ? clipped(s) : hard(i);
      along += gradient.weight[i] * (static_cast<float>(lower_[i] - start_.zero_points[column]) + h);
      if (!step.soft) continue;
      const float slope = h > 0 && h < 1 ? kLength * s * (1 - s) : 0.0f, away = 2 * h - 1;
      float wish = gradient.weight[i] * one;
      if (decide > 0 && slope > 0) wish -= decide * std::copysign(std::pow(std::abs(away), power), away);
      latent_[i] -= latents_[i].step(wish * slope, rounding);
    }
    log_scale_[column] -= scales_[column].step(along * one, scale);
    bias_[column] -= one * biases_[column].step(gradient.bias[column] * one, bias);
  });
}

QuantizedWeights LearnedLayer::weights() const {
  QuantizedWeights result = start_;
  const auto k = static_cast<std::size_t>(start_.k);
  for (std::size_t column = 0; column < log_scale_.size(); ++column) {
    for (std::size_t i = column * k; i < (column + 1) * k; ++i) {
      result.codes[i] = static_cast<std::int16_t>(lower_[i] + (latent_[i] > 0 ? 1 : 0));
    }
    result.scales[column] *= std::exp(static_cast<double>(log_scale_[column]));
    result.bias_correction[column] += bias_[column];
  }
  return result;
}

}  // namespace intvit
