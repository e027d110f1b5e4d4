#include "converter/errors/perturbation.h"

#include <algorithm>
#include <cmath>

#include "converter/float/for_each_in_order.h"
#include "converter/float/forward.h"
#include "converter/plan/simulate.h"

namespace intvit {
namespace {

std::vector<double> log_softmax(const std::vector<float>& logits) {
  const double largest = *std::max_element(logits.begin(), logits.end());
  double sum = 0;
  for (const float x : logits) sum += std::exp(x - largest);
  std::vector<double> result;
  for (const float x : logits) result.push_back(x - largest - std::log(sum));
  return result;
}

// KL(float || quantized)
double divergence(const std::vector<double>& log_float, const std::vector<double>& log_quantized) {
  double sum = 0;
  for (std::size_t c = 0; c < log_float.size(); ++c) {
    sum += std::exp(log_float[c]) * (log_float[c] - log_quantized[c]);
  }
  return sum;
}

}  // namespace

Result<Perturbation> Perturbation::make(const FloatNetwork& network, PictureSource& pictures, int most, int threads) {
  Perturbation result(network, threads);
  const VitDescription& vit = network.description;
  const std::size_t bytes =
      static_cast<std::size_t>(vit.preprocessing.height) * static_cast<std::size_t>(vit.preprocessing.width) * 3;
  const int count = std::min(most, pictures.count());
  result.streams_.resize(static_cast<std::size_t>(count));
  result.log_probabilities_.resize(static_cast<std::size_t>(count));
  const auto make_worker = [&](int, int shared_by) {
    return [&, forward = FloatForward(network, shared_by), pixels = std::vector<std::uint8_t>(bytes),
            logits = std::vector<float>(static_cast<std::size_t>(vit.num_classes))](int i) mutable -> Status {
      if (Status status = pictures.read(i, pixels.data()); !status.ok()) return status;
      std::vector<float> stream(static_cast<std::size_t>(vit.tokens()) * static_cast<std::size_t>(vit.embed_dim));
      forward.run_embedding(pixels.data(), stream.data());
      std::vector<std::vector<float>>& streams = result.streams_[static_cast<std::size_t>(i)];
      for (int b = 0; b < vit.depth; ++b) {
        streams.push_back(stream);
        forward.run_block(b, stream.data());
      }
      forward.run_classifier(stream.data(), logits.data());
      result.log_probabilities_[static_cast<std::size_t>(i)] = log_softmax(logits);
      return {};
    };
  };
  if (Status status = for_each_in_order(count, threads, make_worker); !status.ok()) return status;
  return result;
}

std::vector<double> Perturbation::of(const std::vector<Trial>& trials) const {
  const VitDescription& vit = network_->description;
  const int pictures = static_cast<int>(streams_.size());
  std::vector<double> result(trials.size(), 0);
  const auto make_worker = [&](int, int shared_by) {
    return [&, forward = FloatForward(*network_, shared_by),
            logits = std::vector<float>(static_cast<std::size_t>(vit.num_classes))](int i) mutable {
      const Trial& trial = trials[static_cast<std::size_t>(i / pictures)];
      const auto picture = static_cast<std::size_t>(i % pictures);
      const int first = std::max(trial.block, 0);
      PlanSimulator simulator(vit, trial.plan, 1);
      std::vector<float> stream = streams_[picture][static_cast<std::size_t>(first)];
      for (int b = first; b < vit.depth; ++b) {
        forward.run_block(b, stream.data(), trial.block < 0 || b == first ? &simulator : nullptr);
      }
      forward.run_classifier(stream.data(), logits.data(), trial.block < 0 ? &simulator : nullptr);
      return divergence(log_probabilities_[picture], log_softmax(logits));
    };
  };
  const auto add = [&](int i, double one) -> Status {
    result[static_cast<std::size_t>(i / pictures)] += one / pictures;
    return {};
  };
  // Trials never fail.
  static_cast<void>(for_each_in_order(static_cast<int>(trials.size()) * pictures, threads_, make_worker, add));
  return result;
}

}  // namespace intvit
