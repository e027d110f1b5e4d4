// igq: channels of every linear layer's input in groups by their extremes in the picture at hand, softmax rows in
// groups by their largest probability (IGQ-ViT, Moon et al., CVPR 2024, section 4; docs/quantizers.md). Query, key,
// value and what lies outside the sampled segments are uniform.
#include <algorithm>
#include <array>
#include <cmath>

#include "converter/errors/channel_error.h"
#include "converter/errors/perturbation.h"
#include "converter/float/parallel.h"
#include "converter/methods/sampled_segment.h"
#include "converter/methods/uniform.h"
#include "converter/quantizers/aside.h"
#include "converter/quantizers/channel_groups.h"
#include "converter/quantizers/clip_search.h"
#include "converter/quantizers/group_allocation.h"
#include "converter/quantizers/row_groups.h"

namespace intvit {
namespace {

constexpr std::array kCandidates = {1, 2, 4, 6, 8, 12, 16};

// One layer's schemes, by number of groups.
struct LayerSchemes {
  int segment;
  TensorId tensor;  // its input
  std::vector<int> groups;
  std::vector<ActivationScheme> schemes;
};

class Igq : public Planner {
 public:
  explicit Igq(const MethodInput& input)
      : Planner(input, percentile_plan(input)), allocates_(input.knobs.get("allocation_pictures") > 0) {}

  void see(SampledSegment& segment) override {
    segment.put_clipped(plan_);
    std::vector<int> counts(kCandidates.begin(), kCandidates.end());
    if (!allocates_) counts = {knob("groups")};
    const std::size_t first = layers_.size();
    const std::vector<SampledInput>& inputs = segment.linear_inputs();
    for (const SampledInput& input : inputs) {
      layers_.push_back({segment.index, input.tensor, counts, std::vector<ActivationScheme>(counts.size())});
    }
    std::vector<double> outliers;
    for (const SampledInput& input : inputs) {
      outliers.push_back(threshold_aside(segment.at(input.tensor), input_.knobs.get("aside") / 100));
    }
    const int tasks = static_cast<int>(inputs.size() * counts.size());
    parallel_for(input_.run.threads, tasks, [&](int task) {
      const std::size_t l = static_cast<std::size_t>(task) % inputs.size();
      const std::size_t i = static_cast<std::size_t>(task) / inputs.size();
      LayerSchemes& layer = layers_[first + l];
      const double outlier = outliers[l];
      layer.schemes[i] = channel_groups(segment.at(layer.tensor), column_powers(*inputs[l].layer),
                                        {layer.groups[i], input_.activation_bits, knob("grid_bits"), outlier});
    });
    for (std::size_t l = first; l < layers_.size(); ++l) put(layers_[l], 0);
    for (const SampledAttention& a : segment.attentions()) {
      plan_.softmax[segment.name(a.probabilities)] =
          row_groups(segment.probabilities_of(a), segment.values_of(a), a.heads,
                     {knob("row_groups"), input_.activation_bits, knob("value_bits")}, input_.run.threads);
    }
  }

  // Rows of probabilities are left out: a group of them costs one comparison per row, there is nothing to trade.
  Status finish() override {
    if (!allocates_) return {};
    Result<Perturbation> perturbation =
        Perturbation::make(input_.network, input_.run.pictures, knob("allocation_pictures"), input_.run.threads);
    if (!perturbation.ok()) return perturbation.status();
    std::vector<Perturbation::Trial> trials;
    for (const LayerSchemes& layer : layers_) {
      for (const ActivationScheme& scheme : layer.schemes) {
        trials.push_back({layer.segment, {}});
        trials.back().plan.activations[name(layer)] = {scheme};
      }
    }
    const std::vector<double> changes = perturbation.value().of(trials);
    std::vector<std::vector<GroupChoice>> choices;
    double budget = 0;
    std::size_t trial = 0;
    for (const LayerSchemes& layer : layers_) {
      choices.emplace_back();
      for (const int groups : layer.groups) {
        choices.back().push_back({groups, changes[trial++], operations(layer, groups)});
      }
      budget += operations(layer, knob("groups"));
    }
    const double given = input_.knobs.get("bop_budget") * 1e9;
    const std::vector<int> chosen = allocate_groups(choices, given > 0 ? given : budget);
    for (std::size_t l = 0; l < layers_.size(); ++l) put(layers_[l], static_cast<std::size_t>(chosen[l]));
    return {};
  }

 private:
  int knob(const char* name) const { return static_cast<int>(input_.knobs.get(name)); }

  const std::string& name(const LayerSchemes& layer) const { return input_.network.at(layer.tensor).name; }

  void put(const LayerSchemes& layer, std::size_t choice) { plan_.activations[name(layer)] = {layer.schemes[choice]}; }

  double operations(const LayerSchemes& layer, int groups) const {
    const FloatNetwork& network = input_.network;
    const Node& linear = network.node(network.linear_behind(layer.tensor));
    return bit_operations(network.at(linear.outputs[0]).rows, linear.weights()->in, linear.weights()->out,
                          input_.weight_bits, input_.activation_bits, groups);
  }

  const bool allocates_;
  std::vector<LayerSchemes> layers_;
};

}  // namespace

std::unique_ptr<Planner> start_igq(const MethodInput& input) { return std::make_unique<Igq>(input); }

}  // namespace intvit
