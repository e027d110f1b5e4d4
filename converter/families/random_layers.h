// Layers with seeded random weights: what families' random networks are made of.
#pragma once

#include <cmath>
#include <cstdint>
#include <random>

#include "converter/graph/layers.h"

namespace intvit {

class RandomLayers {
 public:
  explicit RandomLayers(std::uint64_t seed) : engine_(seed) {}

  // Sum of four uniform numbers: near enough to normal, and unlike std::normal_distribution the same with every
  // library.
  float operator()(double deviation) {
    double sum = 0;
    for (int i = 0; i < 4; ++i) sum += static_cast<double>(engine_() >> 11) * 0x1p-53 - 0.5;
    return static_cast<float>(sum * std::sqrt(3.0) * deviation);
  }

  FloatLinear linear(int out, int in) {
    FloatLinear layer = {out, in, {}, {}};
    layer.weight.resize(static_cast<std::size_t>(out) * static_cast<std::size_t>(in));
    layer.bias.resize(static_cast<std::size_t>(out));
    for (float& w : layer.weight) w = (*this)(1 / std::sqrt(static_cast<double>(in)));
    for (float& b : layer.bias) b = (*this)(0.05);
    return layer;
  }

  FloatLayerNorm norm(int channels) {
    FloatLayerNorm layer;
    for (int c = 0; c < channels; ++c) {
      layer.gamma.push_back(1 + (*this)(0.2));
      layer.beta.push_back((*this)(0.1));
    }
    return layer;
  }

 private:
  std::mt19937_64 engine_;
};

}  // namespace intvit
