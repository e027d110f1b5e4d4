// The integers of a linear layer while they are learned: each weight is one of two neighbouring codes (AdaRound, Nagel
// et al. 2020), and scales and biases of columns move, too.
#pragma once

#include <cstdint>
#include <vector>

#include "converter/optimise/adam.h"
#include "converter/optimise/backward.h"
#include "converter/weights/quantize.h"

namespace intvit {

struct LearningRates {
  double rounding = 0.03;  // of a, where a code is the lower one + h(a), h = clip(1.2 sigmoid(a) - 0.1, 0, 1)
  double scale = 1e-3;     // of the columns of weights, relative
  double bias = 0.01;      // in steps of the column's weights
  double levels = 1e-3;    // of activations: of scales, relative, and of a table's levels, relative to their distance
  // Share of the loss that the sum of 1 - |2 h - 1|^beta over a layer's weights has if all of them are undecided.
  double decision = 20000;
};

// Where the learning is.
struct LearningStep {
  int t = 1;         // steps of Adam so far, with this one
  bool soft = true;  // codes between two neighbours; else the nearer one is taken, and only the rest is learned
  double rounding_share = 1, share = 1;  // of the rates
  double beta = 0;                       // 0: nothing has to be decided yet
};

class LearnedLayer {
 public:
  // `layer` has the float weights, and is kept by reference; `start` is what was chosen for them, and the nearer one of
  // the two codes at first.
  LearnedLayer(const FloatLinear& layer, const QuantizedWeights& start);

  // What the runtime would multiply with, as floats.
  void put(FloatLinear& to, bool soft) const;

  // One step of Adam against the gradient.
  void learn(const LinearGradient& gradient, const LearningRates& rates, const LearningStep& step, int threads);

  QuantizedWeights weights() const;

  // What is learned but for codes, through a stream (state_stream.h).
  template <typename Stream>
  void visit_state(Stream& stream) {
    stream(log_scale_), stream(bias_), stream(scales_), stream(biases_);
  }

 private:
  float width(std::size_t column) const;  // the value of one code
  float hard(std::size_t at) const { return latent_[at] > 0 ? 1.0f : 0.0f; }

  const FloatLinear& layer_;
  const QuantizedWeights start_;
  std::vector<std::int16_t> lower_;      // [n][k]
  std::vector<float> latent_;            // [n][k] a
  std::vector<float> log_scale_, bias_;  // [n], on top of start_'s
  std::vector<Adam> latents_;            // from the first step on that is soft
  std::vector<Adam> scales_, biases_;
};

}  // namespace intvit
