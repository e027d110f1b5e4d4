#include "converter/errors/perturbation.h"

#include <algorithm>
#include <cmath>

#include "converter/float/forward.h"
#include "converter/float/parallel.h"
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

}  // namespace

Result<Perturbation> Perturbation::make(const FloatNetwork& network, PictureSource& pictures, int most, int threads) {
  Perturbation result(network, threads);
  const VitDescription& vit = network.description;
  std::vector<std::uint8_t> pixels(static_cast<std::size_t>(vit.preprocessing.height) *
                                   static_cast<std::size_t>(vit.preprocessing.width) * 3);
  FloatForward forward(network, 1);
  std::vector<float> logits(static_cast<std::size_t>(vit.num_classes));
  for (int i = 0; i < std::min(most, pictures.count()); ++i) {
    if (Status status = pictures.read(i, pixels.data()); !status.ok()) return status;
    std::vector<float> stream(static_cast<std::size_t>(vit.tokens()) * static_cast<std::size_t>(vit.embed_dim));
    forward.run_embedding(pixels.data(), stream.data());
    std::vector<std::vector<float>>& streams = result.streams_.emplace_back();
    for (int b = 0; b < vit.depth; ++b) {
      streams.push_back(stream);
      forward.run_block(b, stream.data());
    }
    forward.run_classifier(stream.data(), logits.data());
    result.log_probabilities_.push_back(log_softmax(logits));
  }
  return result;
}

std::vector<double> Perturbation::of(const std::vector<Trial>& trials) const {
  const VitDescription& vit = network_->description;
  std::vector<double> result(trials.size(), 0);
  const int count = static_cast<int>(trials.size()), workers = std::max(1, std::min(threads_, count));
  parallel_for(workers, workers, [&](int worker) {
    FloatForward forward(*network_, 1);
    std::vector<float> logits(static_cast<std::size_t>(vit.num_classes));
    for (int t = worker; t < count; t += workers) {
      const Trial& trial = trials[static_cast<std::size_t>(t)];
      const int first = std::max(trial.block, 0);
      PlanSimulator simulator(vit, trial.plan, 1);
      for (std::size_t p = 0; p < streams_.size(); ++p) {
        std::vector<float> stream = streams_[p][static_cast<std::size_t>(first)];
        for (int b = first; b < vit.depth; ++b) {
          forward.run_block(b, stream.data(), trial.block < 0 || b == first ? &simulator : nullptr);
        }
        forward.run_classifier(stream.data(), logits.data(), trial.block < 0 ? &simulator : nullptr);
        const std::vector<double> log_quantized = log_softmax(logits);
        const std::vector<double>& log_float = log_probabilities_[p];
        double divergence = 0;
        for (std::size_t c = 0; c < log_float.size(); ++c) {
          divergence += std::exp(log_float[c]) * (log_float[c] - log_quantized[c]);
        }
        result[static_cast<std::size_t>(t)] += divergence / static_cast<double>(streams_.size());
      }
    }
  });
  return result;
}

}  // namespace intvit
