#include "converter/lower/check_plan.h"

#include <utility>
#include <vector>

namespace intvit {
namespace {

Status missing(const std::string& what) { return {Code::invalid_argument, "the plan has no " + what}; }

Status check_site(const Plan& plan, Site site, int block, std::size_t groups) {
  const auto found = plan.activations.find(site_name(site, block));
  if (found == plan.activations.end()) return missing("activation '" + site_name(site, block) + "'");
  if (found->second.size() != groups) {
    return {Code::invalid_argument, "the plan has " + std::to_string(found->second.size()) + " schemes for '" +
                                        site_name(site, block) + "', must be " + std::to_string(groups)};
  }
  for (const ActivationScheme& codes : found->second) {
    if (codes.bits != 8) {
      return {Code::unsupported, std::to_string(codes.bits) + "-bit codes for '" + site_name(site, block) +
                                     "'; this version executes 8-bit activations"};
    }
  }
  return {};
}

}  // namespace

Status check_plan(const VitDescription& vit, const Plan& plan) {
  std::vector<std::pair<Layer, int>> layers = {{Layer::patch_embed, -1}, {Layer::head, -1}};
  for (int b = 0; b < vit.depth; ++b) {
    for (const Site site : {Site::qkv_input, Site::attention_output, Site::fc1_input, Site::fc2_input}) {
      if (Status status = check_site(plan, site, b, 1); !status.ok()) return status;
    }
    for (const Site site : {Site::query, Site::key, Site::value}) {
      const auto heads = static_cast<std::size_t>(vit.num_heads);
      if (Status status = check_site(plan, site, b, heads); !status.ok()) return status;
    }
    if (!plan.magnitudes.contains(site_name(Site::fc1_output, b))) {
      return missing("magnitude of '" + site_name(Site::fc1_output, b) + "'");
    }
    for (const Layer layer : {Layer::qkv, Layer::proj, Layer::fc1, Layer::fc2}) layers.emplace_back(layer, b);
  }
  if (Status status = check_site(plan, Site::head_input, -1, 1); !status.ok()) return status;
  for (const auto& [layer, b] : layers) {
    if (!plan.weights.contains(layer_name(layer, b))) return missing("weights of '" + layer_name(layer, b) + "'");
  }
  if (!(plan.residual_magnitude > 0)) return missing("positive residual_magnitude");
  return {};
}

}  // namespace intvit
