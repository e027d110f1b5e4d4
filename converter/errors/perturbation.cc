#include "converter/errors/perturbation.h"

#include <algorithm>
#include <cmath>
#include <span>

#include "converter/float/for_each_in_order.h"
#include "converter/plan/simulate.h"

namespace intvit {
namespace {

std::vector<double> log_softmax(std::span<const float> logits) {
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

double relative_error(const std::vector<double>& exact, const std::vector<double>& quantized) {
  double error = 0, power = 0;
  for (std::size_t i = 0; i < exact.size(); ++i) {
    error += (quantized[i] - exact[i]) * (quantized[i] - exact[i]);
    power += exact[i] * exact[i];
  }
  return error / std::max(power, 1e-30);
}

bool predicts(const FloatNetwork& network) { return network.outputs[network.judged_output()].kind == PortKind::logits; }

// What runs are compared by.
std::vector<double> judged(const FloatNetwork& network, const FloatForward& forward) {
  const std::span<const float> values = forward.output(network.judged_output());
  return predicts(network) ? log_softmax(values) : std::vector<double>(values.begin(), values.end());
}

}  // namespace

Result<Perturbation> Perturbation::make(const FloatNetwork& network, PictureSource& pictures, int most, int threads) {
  Perturbation result(network, threads);
  const Preprocessing& input = network.preprocessing;
  const std::size_t bytes = static_cast<std::size_t>(input.height) * static_cast<std::size_t>(input.width) * 3;
  const int count = std::min(most, pictures.count());
  result.states_.resize(static_cast<std::size_t>(count));
  result.references_.resize(static_cast<std::size_t>(count));
  const auto make_worker = [&](int, int shared_by) {
    return [&, forward = FloatForward(network, shared_by),
            pixels = std::vector<std::uint8_t>(bytes)](int i) mutable -> Status {
      if (Status status = pictures.read(i, pixels.data()); !status.ok()) return status;
      SegmentState state;
      forward.run_from_picture(1, pixels.data(), state);
      std::vector<SegmentState>& states = result.states_[static_cast<std::size_t>(i)];
      states.emplace_back();
      for (int s = 1; s < network.segment_count(); ++s) {
        states.push_back(state);
        forward.run_segment(s, state);
      }
      result.references_[static_cast<std::size_t>(i)] = judged(network, forward);
      return {};
    };
  };
  if (Status status = for_each_in_order(count, threads, make_worker); !status.ok()) return status;
  return result;
}

std::vector<double> Perturbation::of(const std::vector<Trial>& trials) const {
  const FloatNetwork& network = *network_;
  const int pictures = static_cast<int>(states_.size()), end = network.segment_count();
  std::vector<double> result(trials.size(), 0);
  const auto make_worker = [&](int, int shared_by) {
    return [&, forward = FloatForward(network, shared_by)](int i) mutable {
      const Trial& trial = trials[static_cast<std::size_t>(i / pictures)];
      const auto picture = static_cast<std::size_t>(i % pictures);
      const int first = std::max(trial.segment, 1), simulated = trial.segment < 0 ? end : first + 1;
      PlanSimulator simulator(network, trial.plan, 1);
      SegmentState state = states_[picture][static_cast<std::size_t>(first)];
      forward.run_segments(first, simulated, state, &simulator);
      if (simulated < end) forward.run_segments(simulated, end, state);
      const std::vector<double> values = judged(network, forward);
      return predicts(network) ? divergence(references_[picture], values)
                               : relative_error(references_[picture], values);
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
