#include "converter/lower/check_plan.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

namespace intvit {
namespace {

Status missing(const std::string& what) { return {Code::invalid_argument, "the plan has no " + what}; }

Status unfit(const std::string& what) { return {Code::invalid_argument, "the plan has " + what}; }

Status check_site(const Plan& plan, Site site, int block, std::size_t groups, std::size_t tokens) {
  const std::string name = site_name(site, block);
  const auto found = plan.activations.find(name);
  if (found == plan.activations.end()) return missing("activation '" + name + "'");
  if (found->second.size() != groups) {
    return unfit(std::to_string(found->second.size()) + " schemes for '" + name + "', must be " +
                 std::to_string(groups));
  }
  const bool uniform_only =
      groups > 1 || site == Site::query || site == Site::key || site == Site::value || site == Site::head_input;
  for (const ActivationScheme& scheme : found->second) {
    if (uniform_only && scheme.kind != CodeKind::uniform) {
      return {Code::unsupported,
              "codes of '" + name + "' that are not uniform; this version executes uniform ones there"};
    }
    if (scheme.kind == CodeKind::token && scheme.parts.size() != tokens) {
      return unfit(std::to_string(scheme.parts.size()) + " parts for '" + name +
                   "', must be one per token: " + std::to_string(tokens));
    }
    if (scheme.kind == CodeKind::channel_groups && scheme.parts.size() > 256) {
      return unfit(std::to_string(scheme.parts.size()) + " groups for '" + name + "', at most 256");
    }
  }
  return {};
}

// Query, key and value are written by one linear, whose codes have one upper limit.
Status check_query_bits(const Plan& plan, int block) {
  const int bits = plan.activations.at(site_name(Site::query, block))[0].bits;
  for (const Site site : {Site::query, Site::key, Site::value}) {
    for (const ActivationScheme& scheme : plan.activations.at(site_name(site, block))) {
      if (scheme.bits != bits) {
        return {Code::unsupported, "different bits for query, key and value of block " + std::to_string(block)};
      }
    }
  }
  return {};
}

Status check_residuals(const Plan& plan, const VitDescription& vit) {
  double finest = 0;
  for (const auto& [name, s] : plan.residuals) finest = finest == 0 ? s.step : std::min(finest, s.step);
  std::size_t known = 0;
  for (int b = -1; b < vit.depth; ++b) {
    known += plan.residuals.count(site_name(Site::residual, b));
    if (b >= 0) known += plan.residuals.count(site_name(Site::residual_middle, b));
  }
  if (known != plan.residuals.size()) return unfit("a residual scheme for a site that is none");
  for (const auto& [name, s] : plan.residuals) {
    const double octaves = std::log2(s.step / finest);
    // One octave below the finest step is the 16-bit unit.
    const int highest = static_cast<int>(std::lround(octaves)) + 1 + s.coarse_shift;
    if (std::abs(octaves - std::round(octaves)) > 1e-6 || highest + s.bits > 16) {
      return {Code::unsupported, "steps of the residual stream at '" + name +
                                     "' that are no powers of two of each other or exceed 16 bits"};
    }
    for (const int c : s.coarse_channels) {
      if (c >= vit.embed_dim) return unfit("a coarse channel " + std::to_string(c) + " at '" + name + "'");
    }
  }
  return {};
}

}  // namespace

Status check_plan(const VitDescription& vit, const Plan& plan) {
  const auto tokens = static_cast<std::size_t>(vit.tokens());
  const auto heads = static_cast<std::size_t>(vit.num_heads);
  std::vector<std::pair<Layer, int>> layers = {{Layer::patch_embed, -1}, {Layer::head, -1}};
  for (int b = 0; b < vit.depth; ++b) {
    for (const Site site : {Site::qkv_input, Site::attention_output, Site::fc1_input, Site::fc2_input}) {
      if (Status status = check_site(plan, site, b, 1, tokens); !status.ok()) return status;
    }
    for (const Site site : {Site::query, Site::key, Site::value}) {
      if (Status status = check_site(plan, site, b, heads, tokens); !status.ok()) return status;
    }
    if (Status status = check_query_bits(plan, b); !status.ok()) return status;
    const auto softmax = plan.softmax.find(site_name(Site::post_softmax, b));
    if (softmax != plan.softmax.end() && softmax->second.codes != SoftmaxKind::exponential &&
        softmax->second.tables.size() != 1 && softmax->second.tables.size() != heads) {
      return unfit(std::to_string(softmax->second.tables.size()) + " tables for '" + softmax->first +
                   "', must be 1 or one per head");
    }
    if (!plan.magnitudes.contains(site_name(Site::fc1_output, b))) {
      return missing("magnitude of '" + site_name(Site::fc1_output, b) + "'");
    }
    for (const Layer layer : {Layer::qkv, Layer::proj, Layer::fc1, Layer::fc2}) layers.emplace_back(layer, b);
  }
  if (Status status = check_site(plan, Site::head_input, -1, 1, tokens); !status.ok()) return status;
  for (const auto& [layer, b] : layers) {
    if (!plan.weights.contains(layer_name(layer, b))) return missing("weights of '" + layer_name(layer, b) + "'");
  }
  if (!(plan.residual_magnitude > 0)) return missing("positive residual_magnitude");
  return check_residuals(plan, vit);
}

}  // namespace intvit
