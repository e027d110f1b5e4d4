#include "converter/optimise/reconstruction.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "converter/float/for_each_in_order.h"
#include "converter/optimise/attention_targets.h"
#include "converter/optimise/modules.h"
#include "converter/optimise/random_places.h"
#include "converter/optimise/state_stream.h"

namespace intvit {
namespace {

constexpr int kJudgements = 10;      // how often the held-out pictures are looked at, at most
constexpr double kSoftPart = 0.6;    // of the iterations, in which codes are decided
constexpr int kKeptEvery = 5;        // iterations, where none of them decides codes
constexpr double kLeastGain = 1e-5;  // share of the error; less is the rounding of floats

double squared_distance(const std::vector<float>& a, const std::vector<float>& b, const std::vector<float>& weights) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += weights[i] * (double{a[i]} - b[i]) * (double{a[i]} - b[i]);
  return sum;
}

}  // namespace

// One range while it is optimised.
struct Reconstructor::Work {
  const Reconstruction& of;
  std::vector<TensorId> entries;
  FloatNetwork& quantized;
  std::vector<Tape> tapes;                     // one per thread, of the quantized network
  std::vector<AttentionTargets> targets = {};  // one per thread, if they count and there are any
  std::map<int, LearnedLayer> layers = {};     // by node
  std::map<TensorId, LearnedCodes> codes = {};
  std::vector<int> learning = {}, held_out = {};  // pictures
  double power = 1, divergence = 1;               // what the loss is relative to
  int t = 0;                                      // iterations so far
  // The best so far.
  ReconstructionOutcome outcome = {};
  RoundedLayers best_weights = {};
  std::map<std::string, ActivationSchemes> best_codes = {};
};

// The mean over the pictures that take no part of what measure(worker, picture) has of the quantized range's tape.
template <typename Measure>
double Reconstructor::held_out_mean(Work& work, const Measure& measure) const {
  double sum = 0;
  const auto make_worker = [&](int worker, int) {
    return [&, worker](int i) {
      const auto picture = static_cast<std::size_t>(work.held_out[static_cast<std::size_t>(i)]);
      Tape& tape = work.tapes[static_cast<std::size_t>(worker)];
      for (const TensorId id : work.entries) tape.value(id) = work.of.quantized[picture].at(id);
      tape.forward(&plan_);
      return measure(static_cast<std::size_t>(worker), picture);
    };
  };
  static_cast<void>(
      for_each_in_order(static_cast<int>(work.held_out.size()), threads_, make_worker, [&](int, double error) {
        sum += error;
        return Status();
      }));
  return sum / static_cast<double>(work.held_out.size());
}

double Reconstructor::held_out_error(Work& work) const {
  return held_out_mean(work, [&](std::size_t worker, std::size_t picture) {
    double error = 0;
    for (const TensorId id : work.of.targets) {
      error +=
          squared_distance(work.tapes[worker].value(id), work.of.wanted[picture].at(id), work.of.importance.at(id));
    }
    return error;
  });
}

double Reconstructor::held_out_divergence(Work& work) const {
  return held_out_mean(work, [&](std::size_t worker, std::size_t picture) {
    work.targets[worker].run(work.of.exact[picture]);
    return work.targets[worker].divergence(work.tapes[worker]);
  });
}

// Rows of a picture in front of the range, from either network (QDrop).
void Reconstructor::mix(const Reconstruction& of, int picture, int t, TensorId id, std::vector<float>& rows) const {
  const auto p = static_cast<std::size_t>(picture);
  rows = of.quantized[p].at(id);
  const std::vector<float>& exact = of.exact[p].at(id);
  const auto columns = static_cast<std::size_t>(network_.at(id).columns);
  const double limit = std::ldexp(options_.float_share, 32);
  for (std::size_t row = 0; row * columns < rows.size(); ++row) {
    const std::uint64_t place =
        random_at(random_at(random_at(options_.seed + static_cast<std::uint64_t>(t)) + p) + row);
    if (static_cast<double>(place >> 32) >= limit) continue;
    std::copy_n(exact.begin() + static_cast<std::ptrdiff_t>(row * columns), columns,
                rows.begin() + static_cast<std::ptrdiff_t>(row * columns));
  }
}

void Reconstructor::add_gradient(Work& work, std::size_t worker, int picture, int t, Gradients& sum) const {
  Tape& tape = work.tapes[worker];
  for (const TensorId id : work.entries) mix(work.of, picture, t, id, tape.value(id));
  tape.forward(&plan_);
  tape.begin_backward();
  const auto share = static_cast<float>(2 / work.power);
  for (const TensorId id : work.of.targets) {
    const std::vector<float>& now = tape.value(id);
    const std::vector<float>& wanted = work.of.wanted[static_cast<std::size_t>(picture)].at(id);
    const std::vector<float>& importance = work.of.importance.at(id);
    std::vector<float>& gradient = tape.gradient(id);
    for (std::size_t i = 0; i < now.size(); ++i) gradient[i] = share * importance[i] * (now[i] - wanted[i]);
  }
  if (!work.targets.empty()) {
    work.targets[worker].run(work.of.exact[static_cast<std::size_t>(picture)]);
    work.targets[worker].add_gradient(static_cast<float>(options_.attention / work.divergence), tape);
  }
  tape.backward(&plan_, sum);
}

// Codes are decided in the first part, ever more strictly after its first fifth. Rates fall as a cosine.
LearningStep Reconstructor::step_at(int t) const {
  const auto fall = [](double done) { return 0.5 * (1 + std::cos(std::numbers::pi * std::min(done, 1.0))); };
  const double done = (t - 1.0) / options_.iterations, decided = done / kSoftPart;
  LearningStep step;
  step.t = t;
  step.soft = decided < 1 && options_.rates.rounding > 0;
  step.rounding_share = fall(decided);
  step.share = fall(done);
  step.beta = decided < 0.2 ? 0 : 2 + 18 * (1 - decided) / 0.8;
  return step;
}

void Reconstructor::put(Work& work, bool soft) {
  for (auto& [node, layer] : work.layers) layer.put(*work.quantized.node(node).weights(), soft);
}

void Reconstructor::iterate(Work& work, int t) {
  const int count = static_cast<int>(work.learning.size()), batch = std::min(options_.batch, count);
  std::vector<int> pictures = work.learning;
  for (int i = 0; i < batch; ++i) {
    const std::uint64_t random =
        random_at(random_at(~options_.seed + static_cast<std::uint64_t>(t)) + static_cast<std::uint64_t>(i));
    std::swap(pictures[static_cast<std::size_t>(i)],
              pictures[static_cast<std::size_t>(i) + random % static_cast<std::uint64_t>(count - i)]);
  }
  const LearningStep step = step_at(t);
  put(work, step.soft);
  const Gradients zeros = zero_gradients(network_, work.of.range, plan_);
  Gradients sum = zeros;
  const auto make_worker = [&](int worker, int) {
    return [&, worker](int i) {
      Gradients own = zeros;
      add_gradient(work, static_cast<std::size_t>(worker), pictures[static_cast<std::size_t>(i)], t, own);
      return own;
    };
  };
  static_cast<void>(for_each_in_order(batch, threads_, make_worker, [&](int, const Gradients& own) {
    sum.add(own);
    return Status();
  }));
  for (auto& [node, layer] : work.layers) layer.learn(sum.weights.at(node), options_.rates, step, threads_);
  const AdamStep levels = AdamStep::at(t, options_.rates.levels * step.share);
  for (auto& [tensor, codes] : work.codes) {
    codes.learn(sum.codes.at(tensor), levels, plan_.activations.at(network_.at(tensor).name));
  }
}

// Looks at the held-out pictures a few times once codes are decided, and notes the state if it is the best.
void Reconstructor::judge(Work& work) {
  const int t = work.t, all = options_.iterations;
  const bool due = t == all || (t + 1) * kJudgements / all > t * kJudgements / all;
  if (!due || step_at(std::min(t + 1, all)).soft) return;
  put(work, false);
  const double error = held_out_error(work);
  if (!(error < (1 - kLeastGain) * work.outcome.after)) return;
  work.outcome.after = error;
  for (const auto& [n, layer] : work.layers) work.best_weights.at(network_.node(n).name) = layer.weights();
  for (auto& [name, schemes] : work.best_codes) schemes = plan_.activations.at(name);
}

Reconstructor::Work Reconstructor::start(const Reconstruction& of, FloatNetwork& quantized,
                                         const RoundedLayers& rounded) const {
  const int count = static_cast<int>(of.quantized.size());
  const auto workers = static_cast<std::size_t>(workers_for(count, threads_));
  Work work{of, entries_of(network_, of.range), quantized, std::vector<Tape>(workers, Tape(quantized, of.range))};
  for (int n = of.range.begin; n < of.range.end; ++n) {
    const Node& node = network_.node(n);
    const auto found = rounded.find(node.name);
    if (node.as<Linear>() != nullptr && found != rounded.end()) {
      work.layers.emplace(n, LearnedLayer(*node.weights(), found->second));
      work.best_weights.insert(*found);
      work.outcome.module = node.name;
    }
    for (const TensorId id : node.outputs) {
      const auto codes = plan_.activations.find(network_.at(id).name);
      if (codes == plan_.activations.end()) continue;
      work.codes.emplace(id, LearnedCodes(codes->second));
      work.best_codes.insert(*codes);
    }
  }
  const auto held_out = [&](int picture) { return count >= 4 && picture % 4 == 3; };
  for (int i = 0; i < count; ++i) (held_out(i) ? work.held_out : work.learning).push_back(i);
  if (work.held_out.empty()) work.held_out = work.learning;
  if (options_.attention > 0) {
    const AttentionTargets rows(network_, of.range);
    if (!rows.empty()) work.targets = std::vector<AttentionTargets>(workers, rows);
  }
  return work;
}

// What must be known to go on behind iteration `t`; behind the last one, its result.
template <typename Stream>
void Reconstructor::visit_state(Stream& stream, Work& work) {
  stream(work.t), stream(work.outcome.before), stream(work.outcome.after), stream(work.power), stream(work.divergence);
  stream.require(work.t >= 1 && work.t <= options_.iterations && work.power > 0 && work.divergence > 0);
  for (auto& [name, weights] : work.best_weights) {
    stream(weights.scales), stream(weights.bias_correction);
    stream.require(std::ranges::all_of(weights.scales, [](double scale) { return scale > 0; }));
    const auto [lowest, highest] = weight_code_range(weights.bits);
    if (options_.rates.rounding > 0) stream.codes(weights.codes, lowest, highest);
  }
  for (auto& [name, schemes] : work.best_codes) visit_learned(stream, schemes);
  if (work.t == options_.iterations) return;
  for (auto& [node, layer] : work.layers) layer.visit_state(stream);
  for (auto& [tensor, codes] : work.codes) {
    codes.visit_state(stream);
    visit_learned(stream, plan_.activations.at(network_.at(tensor).name));
  }
}

void Reconstructor::keep(Work& work) {
  const bool done = work.t == options_.iterations;
  if (state_ == nullptr || !(done || (options_.rates.rounding == 0 && work.t % kKeptEvery == 0))) return;
  StateWriter stream;
  visit_state(stream, work);
  state_->keep(work.of.part, stream.take());
}

Reconstructor::Work Reconstructor::resume(const Reconstruction& of, FloatNetwork& quantized,
                                          const RoundedLayers& rounded) {
  Work work = start(of, quantized, rounded);
  const std::string* kept = state_ == nullptr ? nullptr : state_->find(of.part);
  if (kept == nullptr) return work;
  const std::map<std::string, ActivationSchemes> codes = work.best_codes;
  StateReader stream(*kept);
  visit_state(stream, work);
  if (stream.ok()) return work;
  for (const auto& [name, schemes] : codes) plan_.activations.at(name) = schemes;
  return start(of, quantized, rounded);
}

std::optional<ReconstructionOutcome> Reconstructor::run(const Reconstruction& of, FloatNetwork& quantized,
                                                        RoundedLayers& rounded) {
  Work work = resume(of, quantized, rounded);
  if (work.layers.empty()) return std::nullopt;
  if (work.t == 0) {
    work.outcome.before = work.outcome.after = held_out_error(work);
    work.power = std::max(work.outcome.before, 1e-30);
    if (!work.targets.empty()) work.divergence = std::max(held_out_divergence(work), 1e-30);
  }
  const int all = options_.iterations;
  while (work.t < all) {
    begin_iteration_(++work.t);
    iterate(work, work.t);
    judge(work);
    keep(work);
  }
  for (auto& [name, schemes] : work.best_codes) plan_.activations.at(name) = std::move(schemes);
  for (const auto& [n, layer] : work.layers) {
    QuantizedWeights& weights = work.best_weights.at(network_.node(n).name);
    *quantized.node(n).weights() = dequantized(*network_.node(n).weights(), weights);
    rounded[network_.node(n).name] = std::move(weights);
  }
  return work.outcome;
}

}  // namespace intvit
