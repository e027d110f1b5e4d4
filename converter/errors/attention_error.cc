#include "converter/errors/attention_error.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "converter/float/parallel.h"
#include "converter/plan/simulate.h"
#include "converter/quantizers/table.h"

namespace intvit {
namespace {

// Sample rows of a head over all pictures, about.
constexpr int kSampleRows = 256;

// Candidates whose levels are refitted.
constexpr std::size_t kRefitted = 6;

std::size_t area(int rows, int cols) { return static_cast<std::size_t>(rows) * static_cast<std::size_t>(cols); }

// output[rows][width] = weights[rows][keys] values[keys][width]; most weights of coarse codes are 0.
std::vector<float> weighted_sums(const float* weights, const float* values, int rows, int keys, int width) {
  std::vector<float> output(area(rows, width), 0.0f);
  for (int r = 0; r < rows; ++r) {
    float* out = output.data() + area(r, width);
    for (int k = 0; k < keys; ++k) {
      const float weight = weights[area(r, keys) + static_cast<std::size_t>(k)];
      if (weight == 0) continue;
      const float* value = values + area(k, width);
      for (int i = 0; i < width; ++i) out[i] += weight * value[i];
    }
  }
  return output;
}

}  // namespace

AttentionError::AttentionError(const SiteSamples& probabilities, const SiteSamples& exact,
                               const ActivationSchemes& values, const std::vector<double>& weights, int threads)
    : heads_(static_cast<int>(values.size())), threads_(threads) {
  const int channels = exact.cols;
  count_ = static_cast<int>(exact.pictures.size());
  keys_ = probabilities.cols;
  width_ = channels / heads_;
  const int wanted = std::clamp(kSampleRows / count_, 1, keys_);
  const int stride = std::max(1, keys_ / wanted);
  rows_ = (keys_ + stride - 1) / stride;
  pictures_.resize(static_cast<std::size_t>(heads_ * count_));
  parallel_for(threads_, heads_ * count_, [&](int task) {
    const int head = task / count_;
    const auto i = static_cast<std::size_t>(task % count_);
    Picture& picture = pictures_[static_cast<std::size_t>(task)];
    for (int r = 0; r < rows_; ++r) {
      const float* row = probabilities.pictures[i].data() + area(head * keys_ + r * stride, keys_);
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

SoftmaxScheme AttentionError::choose(SoftmaxScheme scheme, const std::vector<TableScheme>& candidates, bool per_head,
                                     bool centroids) const {
  const auto heads = static_cast<std::size_t>(heads_);
  const auto error_of = [&](const TableScheme& table, int head) {
    SoftmaxScheme one = scheme;
    one.tables = {table};
    return of(one, head);
  };
  // [candidate][head]
  std::vector<std::vector<double>> errors(candidates.size(), std::vector<double>(heads));
  parallel_for(threads_, static_cast<int>(candidates.size()) * heads_, [&](int task) {
    const auto c = static_cast<std::size_t>(task / heads_);
    const int head = task % heads_;
    errors[c][static_cast<std::size_t>(head)] = error_of(candidates[c], head);
  });
  // Of the heads first ... last - 1 together.
  const auto best = [&](int first, int last) {
    const auto total = [&](std::size_t c) {
      return std::accumulate(errors[c].begin() + first, errors[c].begin() + last, 0.0);
    };
    std::vector<std::size_t> order(candidates.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return total(a) < total(b); });
    TableScheme table = candidates[order[0]];
    double least = total(order[0]);
    if (!centroids) return table;
    std::vector<float> probabilities;
    for (int head = first; head < last; ++head) {
      const std::vector<float> more = samples(head, scheme.codes == SoftmaxCodes::relative);
      probabilities.insert(probabilities.end(), more.begin(), more.end());
    }
    for (std::size_t i = 0; i < std::min(kRefitted, order.size()); ++i) {
      const TableScheme refitted = with_centroids(candidates[order[i]], probabilities);
      double error = 0;
      for (int head = first; head < last; ++head) error += error_of(refitted, head);
      if (error < least) {
        least = error;
        table = refitted;
      }
    }
    return table;
  };
  scheme.tables.assign(per_head ? heads : 1, {});
  parallel_for(threads_, static_cast<int>(scheme.tables.size()), [&](int head) {
    scheme.tables[static_cast<std::size_t>(head)] = per_head ? best(head, head + 1) : best(0, heads_);
  });
  return scheme;
}

Histogram probability_histogram(const BlockSamples& block) {
  Histogram histogram;
  for (const std::vector<float>& picture : block.at(Site::post_softmax).pictures) {
    histogram.add(picture.data(), picture.size());
  }
  return histogram;
}

}  // namespace intvit
