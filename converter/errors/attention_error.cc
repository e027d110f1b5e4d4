#include "converter/errors/attention_error.h"

#include <algorithm>
#include <cmath>

#include "converter/float/parallel.h"
#include "converter/float/vectors/vector_functions.h"
#include "converter/plan/simulate.h"

namespace intvit {
namespace {

// Sample rows of a head over all pictures, about.
constexpr int kSampledQueries = 256;

std::size_t area(int rows, int cols) { return static_cast<std::size_t>(rows) * static_cast<std::size_t>(cols); }

// output[rows][width] = weights[rows][keys] values[keys][width]; most weights of coarse codes are 0.
std::vector<float> weighted_sums(const float* weights, const float* values, int rows, int keys, int width) {
  std::vector<float> output(area(rows, width), 0.0f);
  const auto add_product = vector_functions().add_product;
  for (int r = 0; r < rows; ++r) {
    float* out = output.data() + area(r, width);
    for (int k = 0; k < keys; ++k) {
      const float weight = weights[area(r, keys) + static_cast<std::size_t>(k)];
      if (weight == 0) continue;
      add_product(weight, values + area(k, width), width, out);
    }
  }
  return output;
}

}  // namespace

AttentionError::AttentionError(const TensorSamples& probabilities, const TensorSamples& exact,
                               const ActivationSchemes& values, const std::vector<double>& weights, int threads)
    : heads_(static_cast<int>(values.size())), threads_(threads) {
  const int channels = exact.cols;
  count_ = static_cast<int>(exact.pictures.size());
  keys_ = probabilities.cols;
  width_ = channels / heads_;
  const int queries = probabilities.rows / heads_;
  const int wanted = std::clamp(kSampledQueries / count_, 1, queries);
  const int stride = std::max(1, queries / wanted);
  rows_ = (queries + stride - 1) / stride;
  pictures_.resize(static_cast<std::size_t>(heads_ * count_));
  parallel_for(threads_, heads_ * count_, [&](int task) {
    const int head = task / count_;
    const auto i = static_cast<std::size_t>(task % count_);
    Picture& picture = pictures_[static_cast<std::size_t>(task)];
    for (int r = 0; r < rows_; ++r) {
      const float* row = probabilities.pictures[i].data() + area(head * queries + r * stride, keys_);
      picture.probabilities.insert(picture.probabilities.end(), row, row + keys_);
    }
    for (int k = 0; k < keys_; ++k) {
      const float* row = exact.pictures[i].data() + area(k, channels) + head * width_;
      picture.values.insert(picture.values.end(), row, row + width_);
    }
    picture.output = weighted_sums(picture.probabilities.data(), picture.values.data(), rows_, keys_, width_);
    simulate(values[static_cast<std::size_t>(head)], picture.values.data(), keys_, width_, width_);
    // The weights go into the values, of which both products are linear.
    const auto weigh = [&](std::vector<float>& rows) {
      for (std::size_t j = 0; j < rows.size(); ++j) {
        const auto channel = static_cast<std::size_t>(head * width_) + j % static_cast<std::size_t>(width_);
        rows[j] *= static_cast<float>(std::sqrt(weights[channel]));
      }
    };
    weigh(picture.values);
    weigh(picture.output);
  });
}

double AttentionError::of(const SoftmaxScheme& scheme, int head) const {
  double error = 0;
  std::vector<float> weights;
  for (int i = 0; i < count_; ++i) {
    const Picture& picture = at(head, i);
    weights = picture.probabilities;
    simulate(scheme, head, weights.data(), rows_, keys_);
    const std::vector<float> output = weighted_sums(weights.data(), picture.values.data(), rows_, keys_, width_);
    for (std::size_t j = 0; j < output.size(); ++j) {
      const double difference = static_cast<double>(output[j]) - picture.output[j];
      error += difference * difference;
    }
  }
  return error;
}

double AttentionError::power() const {
  double power = 0;
  for (const Picture& picture : pictures_) {
    for (const float x : picture.output) power += static_cast<double>(x) * x;
  }
  return power;
}

std::vector<float> AttentionError::samples(int head, bool relative) const {
  std::vector<float> all;
  for (int i = 0; i < count_; ++i) {
    const std::vector<float>& probabilities = at(head, i).probabilities;
    for (int r = 0; r < rows_; ++r) {
      const float* row = probabilities.data() + area(r, keys_);
      const float divisor = relative ? *std::max_element(row, row + keys_) : 1.0f;
      for (int k = 0; k < keys_; ++k) all.push_back(row[k] / divisor);
    }
  }
  return all;
}

}  // namespace intvit
