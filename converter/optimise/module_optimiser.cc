#include "converter/optimise/module_optimiser.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <numbers>

#include "converter/float/for_each_in_order.h"
#include "converter/optimise/random_places.h"

namespace intvit {
namespace {

constexpr int kJudgements = 10;    // how often the held-out pictures are looked at, at most
constexpr double kSoftPart = 0.6;  // of the iterations, in which codes are decided

constexpr std::size_t kMostImportancePictures = 64;

double squared_distance(const std::vector<float>& a, const std::vector<float>& b, const std::vector<float>& weights) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += weights[i] * (double{a[i]} - b[i]) * (double{a[i]} - b[i]);
  return sum;
}

}  // namespace

// One module while it is optimised.
struct ModuleOptimiser::Work {
  NodeRange module;
  std::vector<TensorId> entries, exits;
  FloatNetwork& quantized;
  std::vector<Tape> tapes;                  // one per thread, of the quantized network
  std::map<int, LearnedLayer> layers = {};  // by node
  std::map<TensorId, LearnedCodes> codes = {};
  std::vector<int> learning = {}, held_out = {};  // pictures
  double power = 1;                               // what the loss is relative to
  std::string name = {};
  // The best so far.
  RoundedLayers best_weights = {};
  std::map<std::string, ActivationSchemes> best_codes = {};
};

ModuleOptimiser::ModuleOptimiser(const FloatNetwork& network, Plan& plan, const PictureRun& run,
                                 const ModuleOptions& options)
    : network_(network),
      plan_(plan),
      threads_(run.threads),
      progress_(run.progress),
      options_(options),
      count_(run.pictures.count()) {
  for (const Segment& segment : network.segments) {
    if (segment.sampled) modules_all_ += static_cast<int>(modules_of(network, segment).size());
  }
}

void ModuleOptimiser::begin_segment(int segment, const std::vector<SegmentState>& exact,
                                    const std::vector<SegmentState>& quantized) {
  const auto states = [&](const std::vector<SegmentState>& from) {
    std::vector<State> to(from.size());
    for (const StatePart& part : state_parts(network_, segment)) {
      const std::size_t size = area(network_.at(part.tensor).rows, network_.at(part.tensor).columns);
      const std::vector<int> readers = network_.readers(part.tensor);
      if (readers.empty() || readers.back() < network_.segment(segment).begin) continue;
      for (std::size_t i = 0; i < from.size(); ++i) {
        const float* first = from[i].data() + part.offset;
        to[i][part.tensor].assign(first, first + size);
      }
    }
    return to;
  };
  exact_ = states(exact);
  quantized_ = states(quantized);
  modules_ = modules_of(network_, network_.segment(segment));
  if (!importance_.empty()) return;
  std::vector<const LiveTensors*> some;
  for (const State& state : exact_) {
    if (some.size() < kMostImportancePictures) some.push_back(&state);
  }
  std::vector<TensorId> written;
  for (const Segment& other : network_.segments) {
    if (!other.sampled) continue;
    for (const NodeRange module : modules_of(network_, other)) {
      std::ranges::copy(exits_of(network_, module), std::back_inserter(written));
    }
  }
  importance_ = importance_of(network_, network_.segment(segment).begin, written, some, options_.importance,
                              options_.seed, threads_);
}

void ModuleOptimiser::refine(int node, FloatNetwork& quantized, RoundedLayers& rounded) {
  if (modules_.empty()) return;
  const NodeRange module = modules_.front();
  for (int n = node + 1; n < module.end; ++n) {
    if (network_.node(n).as<Linear>() != nullptr) return;  // it has another layer
  }
  modules_.erase(modules_.begin());
  advance_exact(module);
  if (unlearnable(network_, module) == nullptr) optimise(module, quantized, rounded);
  advance(module, quantized);
  ++modules_done_;
}

void ModuleOptimiser::advance_exact(NodeRange module) {
  after_ = exact_;
  const std::vector<TensorId> exits = exits_of(network_, module);
  std::vector<Tape> tapes(static_cast<std::size_t>(workers_for(count_, threads_)), Tape(network_, module));
  const auto make_worker = [&](int worker, int) {
    return [&, worker](int i) -> Status {
      Tape& tape = tapes[static_cast<std::size_t>(worker)];
      for (const auto& [id, rows] : exact_[static_cast<std::size_t>(i)]) tape.value(id) = rows;
      tape.forward(nullptr);
      for (const TensorId id : exits) after_[static_cast<std::size_t>(i)][id] = tape.value(id);
      return {};
    };
  };
  static_cast<void>(for_each_in_order(count_, threads_, make_worker));
}

void ModuleOptimiser::advance(NodeRange module, const FloatNetwork& quantized) {
  const std::vector<TensorId> exits = exits_of(network_, module);
  std::vector<Tape> tapes(static_cast<std::size_t>(workers_for(count_, threads_)), Tape(quantized, module));
  const auto make_worker = [&](int worker, int) {
    return [&, worker](int i) -> Status {
      Tape& tape = tapes[static_cast<std::size_t>(worker)];
      State& state = quantized_[static_cast<std::size_t>(i)];
      for (const auto& [id, rows] : state) tape.value(id) = rows;
      tape.forward(&plan_);
      for (const TensorId id : exits) state[id] = tape.value(id);
      return {};
    };
  };
  static_cast<void>(for_each_in_order(count_, threads_, make_worker));
  exact_ = std::move(after_);
  for (std::vector<State>* states : {&exact_, &quantized_}) {
    for (State& state : *states) {
      std::erase_if(state, [&](const auto& part) { return network_.readers(part.first).back() < module.end; });
    }
  }
}

double ModuleOptimiser::held_out_error(Work& work) {
  double sum = 0;
  const auto make_worker = [&](int worker, int) {
    return [&, worker](int i) {
      Tape& tape = work.tapes[static_cast<std::size_t>(worker)];
      const auto picture = static_cast<std::size_t>(work.held_out[static_cast<std::size_t>(i)]);
      for (const TensorId id : work.entries) tape.value(id) = quantized_[picture].at(id);
      tape.forward(&plan_);
      double error = 0;
      for (const TensorId id : work.exits)
        error += squared_distance(tape.value(id), after_[picture].at(id), importance_.at(id));
      return error;
    };
  };
  static_cast<void>(
      for_each_in_order(static_cast<int>(work.held_out.size()), threads_, make_worker, [&](int, double error) {
        sum += error;
        return Status();
      }));
  return sum / static_cast<double>(work.held_out.size());
}

// Rows of a picture in front of the module, from either network (QDrop).
void ModuleOptimiser::mix(int picture, int t, TensorId id, std::vector<float>& rows) const {
  const auto p = static_cast<std::size_t>(picture);
  rows = quantized_[p].at(id);
  const std::vector<float>& exact = exact_[p].at(id);
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

void ModuleOptimiser::add_gradient(const Work& work, int picture, int t, Tape& tape, Gradients& sum) const {
  for (const TensorId id : work.entries) mix(picture, t, id, tape.value(id));
  tape.forward(&plan_);
  tape.begin_backward();
  const auto share = static_cast<float>(2 / work.power);
  for (const TensorId id : work.exits) {
    const std::vector<float>&now = tape.value(id), &wanted = after_[static_cast<std::size_t>(picture)].at(id);
    const std::vector<float>& importance = importance_.at(id);
    std::vector<float>& gradient = tape.gradient(id);
    for (std::size_t i = 0; i < now.size(); ++i) gradient[i] = share * importance[i] * (now[i] - wanted[i]);
  }
  tape.backward(&plan_, sum);
}

// Codes are decided in the first part, ever more strictly after its first fifth. Rates fall as a cosine.
LearningStep ModuleOptimiser::step_at(int t) const {
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

void ModuleOptimiser::put(Work& work, bool soft) {
  for (auto& [node, layer] : work.layers) layer.put(*work.quantized.node(node).weights(), soft);
}

void ModuleOptimiser::iterate(Work& work, int t) {
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
  const Gradients zeros = zero_gradients(network_, work.module, plan_);
  Gradients sum = zeros;
  const auto make_worker = [&](int worker, int) {
    return [&, worker](int i) {
      Gradients own = zeros;
      add_gradient(work, pictures[static_cast<std::size_t>(i)], t, work.tapes[static_cast<std::size_t>(worker)], own);
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

ModuleOptimiser::Work ModuleOptimiser::start(NodeRange module, FloatNetwork& quantized,
                                             const RoundedLayers& rounded) const {
  const auto workers = static_cast<std::size_t>(workers_for(count_, threads_));
  Work work{module, entries_of(network_, module), exits_of(network_, module), quantized,
            std::vector<Tape>(workers, Tape(quantized, module))};
  for (int n = module.begin; n < module.end; ++n) {
    const Node& node = network_.node(n);
    const auto found = rounded.find(node.name);
    if (node.as<Linear>() != nullptr && found != rounded.end()) {
      work.layers.emplace(n, LearnedLayer(*node.weights(), found->second));
      work.best_weights.insert(*found);
      work.name = node.name;
    }
    for (const TensorId id : node.outputs) {
      const auto codes = plan_.activations.find(network_.at(id).name);
      if (codes == plan_.activations.end()) continue;
      work.codes.emplace(id, LearnedCodes(codes->second));
      work.best_codes.insert(*codes);
    }
  }
  for (int i = 0; i < count_; ++i) (held_out(i) ? work.held_out : work.learning).push_back(i);
  if (work.held_out.empty()) work.held_out = work.learning;
  return work;
}

void ModuleOptimiser::optimise(NodeRange module, FloatNetwork& quantized, RoundedLayers& rounded) {
  Work work = start(module, quantized, rounded);
  if (work.layers.empty()) return;
  const double before = held_out_error(work);
  ModuleOutcome outcome{work.name, before, before};
  work.power = std::max(before, 1e-30);
  const int all = options_.iterations;
  for (int t = 1; t <= all; ++t) {
    progress_("optimising modules", modules_done_ * all + t - 1, modules_all_ * all);
    iterate(work, t);
    const bool due = t == all || (t + 1) * kJudgements / all > t * kJudgements / all;
    if (!due || step_at(std::min(t + 1, all)).soft) continue;
    put(work, false);
    const double error = held_out_error(work);
    if (!(error < outcome.after)) continue;
    outcome.after = error;
    for (const auto& [n, layer] : work.layers) work.best_weights.at(network_.node(n).name) = layer.weights();
    for (auto& [name, schemes] : work.best_codes) schemes = plan_.activations.at(name);
  }
  for (auto& [name, schemes] : work.best_codes) plan_.activations.at(name) = std::move(schemes);
  for (const auto& [n, layer] : work.layers) {
    QuantizedWeights& weights = work.best_weights.at(network_.node(n).name);
    *quantized.node(n).weights() = dequantized(*network_.node(n).weights(), weights);
    rounded[network_.node(n).name] = std::move(weights);
  }
  outcomes_.push_back(outcome);
}

}  // namespace intvit
