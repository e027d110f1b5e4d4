// igq: channels of every linear layer's input in groups by their extremes in the picture at hand, softmax rows in
// groups by their largest probability (IGQ-ViT, Moon et al., CVPR 2024, section 4; docs/quantizers.md). Query, key,
// value and the head's input are uniform.
#include <algorithm>
#include <array>
#include <cmath>

#include "converter/errors/channel_error.h"
#include "converter/errors/perturbation.h"
#include "converter/float/parallel.h"
#include "converter/methods/output_error.h"
#include "converter/methods/uniform.h"
#include "converter/quantizers/channel_groups.h"
#include "converter/quantizers/clip_search.h"
#include "converter/quantizers/group_allocation.h"
#include "converter/quantizers/row_groups.h"

namespace intvit {
namespace {

struct GroupedLayer {
  Site site;
  FloatLinear FloatBlock::*layer;
};

constexpr std::array kGroupedLayers = {
    GroupedLayer{Site::qkv_input, &FloatBlock::qkv}, GroupedLayer{Site::attention_output, &FloatBlock::proj},
    GroupedLayer{Site::fc1_input, &FloatBlock::fc1}, GroupedLayer{Site::fc2_input, &FloatBlock::fc2}};

constexpr std::array kCandidates = {1, 2, 4, 6, 8, 12, 16};

// One layer's schemes, by number of groups.
struct LayerSchemes {
  int block;
  GroupedLayer place;
  std::vector<int> groups;
  std::vector<ActivationScheme> schemes;
};

class GroupPlanner {
 public:
  GroupPlanner(const MethodInput& input) : input_(input), allocates_(input.knobs.get("allocation_pictures") > 0) {}

  Result<Plan> run() {
    plan_ = uniform_plan(input_, WeightRange::mse,
                         [](const Histogram& histogram, int bits) { return percentile_scheme(histogram, bits); });
    Status status = for_each_block(input_.network, input_.pictures, input_.threads, input_.progress,
                                   [&](const BlockSamples& samples) { choose(samples); });
    if (status.ok()) status = allocate();
    if (!status.ok()) return status;
    return std::move(plan_);
  }

 private:
  int knob(const char* name) const { return static_cast<int>(input_.knobs.get(name)); }

  void choose(const BlockSamples& samples) {
    choose_by_output_error(input_, samples, plan_);
    std::vector<int> counts(kCandidates.begin(), kCandidates.end());
    if (!allocates_) counts = {knob("groups")};
    const FloatBlock& block = input_.network.blocks[static_cast<std::size_t>(samples.block)];
    const std::size_t first = layers_.size();
    for (const GroupedLayer& place : kGroupedLayers) {
      layers_.push_back({samples.block, place, counts, std::vector<ActivationScheme>(counts.size())});
    }
    const int tasks = static_cast<int>(kGroupedLayers.size() * counts.size());
    parallel_for(input_.threads, tasks, [&](int task) {
      LayerSchemes& layer = layers_[first + static_cast<std::size_t>(task) % kGroupedLayers.size()];
      const std::size_t i = static_cast<std::size_t>(task) / kGroupedLayers.size();
      layer.schemes[i] = channel_groups(samples.at(layer.place.site), column_powers(block.*layer.place.layer),
                                        {layer.groups[i], input_.activation_bits, knob("grid_bits")});
    });
    plan_.softmax[site_name(Site::post_softmax, samples.block)] =
        row_groups(samples.at(Site::post_softmax), samples.at(Site::value), input_.network.description.num_heads,
                   {knob("row_groups"), input_.activation_bits, knob("value_bits")}, input_.threads);
  }

  // Rows of probabilities are left out: a group of them costs one comparison per row, there is nothing to trade.
  Status allocate() {
    std::vector<int> chosen(layers_.size(), 0);
    if (allocates_) {
      Result<Perturbation> perturbation =
          Perturbation::make(input_.network, input_.pictures, knob("allocation_pictures"), input_.threads);
      if (!perturbation.ok()) return perturbation.status();
      std::vector<Perturbation::Trial> trials;
      for (const LayerSchemes& layer : layers_) {
        for (const ActivationScheme& scheme : layer.schemes) {
          trials.push_back({layer.block, {}});
          trials.back().plan.activations[site_name(layer.place.site, layer.block)] = {scheme};
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
      chosen = allocate_groups(choices, given > 0 ? given : budget);
    }
    for (std::size_t l = 0; l < layers_.size(); ++l) {
      plan_.activations[site_name(layers_[l].place.site, layers_[l].block)] = {
          layers_[l].schemes[static_cast<std::size_t>(chosen[l])]};
    }
    return {};
  }

  double operations(const LayerSchemes& layer, int groups) const {
    const FloatLinear& linear = input_.network.blocks[static_cast<std::size_t>(layer.block)].*layer.place.layer;
    return bit_operations(input_.network.description.tokens(), linear.in, linear.out, input_.weight_bits,
                          input_.activation_bits, groups);
  }

  const MethodInput& input_;
  const bool allocates_;
  Plan plan_;
  std::vector<LayerSchemes> layers_;
};

}  // namespace

Result<Plan> plan_igq(const MethodInput& input) { return GroupPlanner(input).run(); }

}  // namespace intvit
