#include "converter/optimise/module_optimiser.h"

#include <algorithm>
#include <iterator>

namespace intvit {
namespace {

constexpr std::size_t kMostImportancePictures = 64;

}  // namespace

ModuleOptimiser::ModuleOptimiser(const FloatNetwork& network, Plan& plan, const PictureRun& run,
                                 const LearningOptions& options, TrainingState* state)
    : network_(network), plan_(plan), threads_(run.threads), progress_(run.progress), options_(options), state_(state) {
  for (const Segment& segment : network.segments) {
    if (segment.sampled) modules_all_ += static_cast<int>(modules_of(network, segment).size());
  }
  const auto is_kept = [&] { return state->find(TrainingState::kFirstModule + static_cast<std::uint32_t>(kept_)); };
  while (state != nullptr && kept_ < modules_all_ && is_kept() != nullptr) ++kept_;
}

void ModuleOptimiser::begin_segment(int segment, const std::vector<SegmentState>& exact,
                                    const std::vector<SegmentState>& quantized) {
  exact_ = live_tensors(network_, segment, exact, options_.pictures);
  quantized_ = live_tensors(network_, segment, quantized, options_.pictures);
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
  after_ = exact_;
  forward_pictures(network_, module, nullptr, threads_, exact_, exits_of(network_, module), after_);
  optimise(module, quantized, rounded);
  advance(module, quantized);
  ++modules_done_;
}

void ModuleOptimiser::advance(NodeRange module, const FloatNetwork& quantized) {
  forward_pictures(quantized, module, &plan_, threads_, quantized_, exits_of(network_, module), quantized_);
  exact_ = std::move(after_);
  for (std::vector<State>* states : {&exact_, &quantized_}) {
    for (State& state : *states) {
      std::erase_if(state, [&](const auto& part) { return network_.readers(part.first).back() < module.end; });
    }
  }
}

void ModuleOptimiser::optimise(NodeRange module, FloatNetwork& quantized, RoundedLayers& rounded) {
  const int each = options_.iterations;
  Reconstructor reconstructor(network_, plan_, threads_, options_, state_, [&](int t) {
    progress_("optimising modules", (modules_done_ - kept_) * each + t - 1, (modules_all_ - kept_) * each);
  });
  const std::optional<ReconstructionOutcome> outcome =
      reconstructor.run({TrainingState::kFirstModule + static_cast<std::uint32_t>(modules_done_), module,
                         exits_of(network_, module), exact_, quantized_, after_, importance_},
                        quantized, rounded);
  if (outcome) outcomes_.push_back(*outcome);
}

}  // namespace intvit
