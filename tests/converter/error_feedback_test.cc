// Rounding with error feedback against rounding to nearest, by the error of the layer's output.
#include <doctest/doctest.h>

#include <cmath>
#include <random>
#include <vector>

#include "converter/weights/error_feedback.h"

using namespace intvit;

namespace {

constexpr int kMixedInputs = 48, kOutputs = 12, kRows = 600;

// Rows of strongly correlated inputs with means far from zero.
std::vector<float> correlated_rows(unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0, 1);
  std::vector<float> mixing(kMixedInputs * 6), rows(static_cast<std::size_t>(kRows) * kMixedInputs);
  for (float& m : mixing) m = normal(random);
  for (int r = 0; r < kRows; ++r) {
    float hidden[6];
    for (float& h : hidden) h = normal(random);
    for (int i = 0; i < kMixedInputs; ++i) {
      float x = 0.2f * normal(random) + static_cast<float>(i % 5) - 1;
      for (int h = 0; h < 6; ++h) x += mixing[static_cast<std::size_t>(i * 6 + h)] * hidden[h];
      rows[static_cast<std::size_t>(r * kMixedInputs + i)] = i == 7 ? 0 : x;  // input 7 is dead
    }
  }
  return rows;
}

Moments moments_of(const std::vector<float>& rows) {
  Moments m{kMixedInputs, kRows, std::vector<double>(kMixedInputs, 0),
            std::vector<float>(kMixedInputs * kMixedInputs, 0)};
  for (int r = 0; r < kRows; ++r) {
    for (int i = 0; i < kMixedInputs; ++i)
      m.mean[static_cast<std::size_t>(i)] +=
          rows[static_cast<std::size_t>(r * kMixedInputs + i)] / static_cast<double>(kRows);
  }
  for (int i = 0; i < kMixedInputs; ++i) {
    for (int j = 0; j < kMixedInputs; ++j) {
      double sum = 0;
      for (int r = 0; r < kRows; ++r) {
        sum += (rows[static_cast<std::size_t>(r * kMixedInputs + i)] - m.mean[static_cast<std::size_t>(i)]) *
               (rows[static_cast<std::size_t>(r * kMixedInputs + j)] - m.mean[static_cast<std::size_t>(j)]);
      }
      m.covariance[static_cast<std::size_t>(i * kMixedInputs + j)] = static_cast<float>(sum / kRows);
    }
  }
  return m;
}

double output_error(const FloatLinear& layer, const QuantizedWeights& w, const std::vector<float>& rows) {
  double error = 0;
  for (int r = 0; r < kRows; ++r) {
    for (int o = 0; o < kOutputs; ++o) {
      double difference = -w.bias_correction[static_cast<std::size_t>(o)];
      for (int i = 0; i < kMixedInputs; ++i) {
        difference += (layer.weight[static_cast<std::size_t>(o * kMixedInputs + i)] -
                       w.scales[static_cast<std::size_t>(o)] * w.value(o, i)) *
                      rows[static_cast<std::size_t>(r * kMixedInputs + i)];
      }
      error += difference * difference;
    }
  }
  return error;
}

}  // namespace

TEST_CASE("error feedback makes the error of correlated inputs several times smaller than rounding to nearest") {
  std::mt19937 random(3);
  std::normal_distribution<float> normal(0, 0.1f);
  FloatLinear layer{kOutputs, kMixedInputs, std::vector<float>(kOutputs * kMixedInputs),
                    std::vector<float>(kOutputs, 0)};
  for (float& w : layer.weight) w = normal(random);
  const std::vector<float> rows = correlated_rows(4), unseen = correlated_rows(4);
  const Moments moments = moments_of(rows);
  bool moved = false;  // a zero point
  for (const int bits : {2, 3, 4, 8}) {
    CAPTURE(bits);
    const QuantizedWeights nearest =
        quantize_weights(layer, {bits, WeightRange::mse}, std::vector<double>(kOutputs, 0));
    QuantizedWeights feedback = nearest;
    round_with_feedback(layer, moments, WeightRange::mse, 1, feedback);
    CHECK(output_error(layer, feedback, unseen) * 4 < output_error(layer, nearest, unseen));
    for (int o = 0; o < kOutputs; ++o) {
      for (int i = 0; i < kMixedInputs; ++i) {
        const int code = feedback.codes[static_cast<std::size_t>(o * kMixedInputs + i)];
        CHECK(code >= (bits == 8 ? -127 : 0));
        CHECK(code <= (bits == 8 ? 127 : (1 << bits) - 1));
      }
    }
    QuantizedWeights threads = nearest;
    round_with_feedback(layer, moments, WeightRange::mse, 3, threads);
    CHECK(threads.codes == feedback.codes);
    CHECK(threads.scales == feedback.scales);
    CHECK(threads.bias_correction == feedback.bias_correction);
    QuantizedWeights kept = nearest;
    round_with_feedback(layer, moments, WeightRange::max, 1, kept);
    CHECK(kept.scales == nearest.scales);
    CHECK(kept.zero_points == nearest.zero_points);
    if (bits == 8) {
      CHECK(feedback.scales == nearest.scales);
    } else {
      CHECK(feedback.scales != nearest.scales);
      moved = moved || feedback.zero_points != nearest.zero_points;
      CHECK(output_error(layer, feedback, rows) * 1.02 < output_error(layer, kept, rows));
    }
  }
  CHECK(moved);
}

TEST_CASE("inputs without any variance are no obstacle") {
  FloatLinear layer{2, 4, {0.1f, -0.2f, 0.3f, 0.4f, 1, 2, 3, 4}, {0, 0}};
  const Moments constant{4, 10, {1, 2, 3, 4}, std::vector<float>(16, 0)};
  QuantizedWeights weights = quantize_weights(layer, {4, WeightRange::max}, std::vector<double>(2, 0));
  round_with_feedback(layer, constant, WeightRange::max, 1, weights);
  // Constant inputs: the bias makes up for all of the error.
  for (int o = 0; o < 2; ++o) {
    double difference = -weights.bias_correction[static_cast<std::size_t>(o)];
    for (int i = 0; i < 4; ++i) {
      difference += (layer.weight[static_cast<std::size_t>(o * 4 + i)] -
                     weights.scales[static_cast<std::size_t>(o)] * weights.value(o, i)) *
                    (i + 1);
    }
    CHECK(std::abs(difference) < 1e-6);
  }
}
