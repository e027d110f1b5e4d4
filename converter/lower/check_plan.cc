#include "converter/lower/check_plan.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "kernels/aside/aside.h"

namespace intvit {
namespace {

Status missing(const std::string& what) { return {Code::invalid_argument, "the plan has no " + what}; }

Status unfit(const std::string& what) { return {Code::invalid_argument, "the plan has " + what}; }

Status check_side(const FloatNetwork& network, TensorId id, const ActivationScheme& scheme) {
  if (scheme.side == 0) return {};
  const std::string at = " at '" + network.at(id).name + "'";
  if (scheme.kind == CodeKind::table) return unfit("a side path beside a table" + at);
  if (scheme.grid.bits > 8) {
    return unfit("a side path beside a grid of " + std::to_string(scheme.grid.bits) + " bits" + at + ", at most 8");
  }
  if (scheme.kind != CodeKind::uniform && !(scheme.outlier > 0)) {
    return unfit("a side path without 'outlier'" + at + ", beyond which values take it");
  }
  // Where values with a scale of their token can be encoded, these can.
  if (executes(network, id, CodeKind::token) && network.at(id).columns <= kernels::kMaxAsideColumns) return {};
  return {Code::unsupported, "a side path" + at + "; this version has them in front of linear layers, but the head"};
}

Status check_codes(const FloatNetwork& network, const Plan& plan, TensorId id) {
  const Tensor& tensor = network.at(id);
  const std::string& name = tensor.name;
  const auto found = plan.activations.find(name);
  if (found == plan.activations.end()) return missing("activation '" + name + "'");
  const std::size_t groups = is_per_head(tensor.role) ? static_cast<std::size_t>(tensor.heads) : 1;
  if (found->second.size() != groups) {
    return unfit(std::to_string(found->second.size()) + " schemes for '" + name + "', must be " +
                 std::to_string(groups));
  }
  for (const ActivationScheme& scheme : found->second) {
    if (Status status = check_side(network, id, scheme); !status.ok()) return status;
    if (!executes(network, id, scheme.kind)) {
      const bool tables = executes(network, id, CodeKind::table);
      return {Code::unsupported, "codes of '" + name + "' that are not uniform; this version executes uniform ones " +
                                     (tables ? "and tables there" : "there")};
    }
    if (scheme.kind == CodeKind::table && scheme.outlier > 0 && !executes(network, id, CodeKind::token)) {
      return {Code::unsupported, "a table at '" + name + "' with 'outlier'; this version has tables without it there"};
    }
    if (scheme.kind == CodeKind::token && scheme.parts.size() != static_cast<std::size_t>(tensor.rows)) {
      return unfit(std::to_string(scheme.parts.size()) + " parts for '" + name +
                   "', must be one per token: " + std::to_string(tensor.rows));
    }
    if (scheme.kind == CodeKind::channel_groups && scheme.parts.size() > 256) {
      return unfit(std::to_string(scheme.parts.size()) + " groups for '" + name + "', at most 256");
    }
  }
  return {};
}

Status check_softmax(const Tensor& probabilities, const Plan& plan) {
  const auto softmax = plan.softmax.find(probabilities.name);
  if (softmax == plan.softmax.end() || softmax->second.codes == SoftmaxKind::exponential) return {};
  const std::size_t tables = softmax->second.tables.size();
  if (tables == 1 || tables == static_cast<std::size_t>(probabilities.heads)) return {};
  return unfit(std::to_string(tables) + " tables for '" + probabilities.name + "', must be 1 or one per head");
}

Status check_tensor(const FloatNetwork& network, const Plan& plan, TensorId id) {
  const Tensor& tensor = network.at(id);
  if (has_codes(tensor.role)) return check_codes(network, plan, id);
  if (tensor.role == Role::probabilities) return check_softmax(tensor, plan);
  if (tensor.role == Role::activation_input && !plan.magnitudes.contains(tensor.name)) {
    return missing("magnitude of '" + tensor.name + "'");
  }
  if (tensor.role == Role::values && !keeps_unit(network.node(network.producer(id)))) {
    const auto magnitude = plan.magnitudes.find(tensor.name);
    if (magnitude == plan.magnitudes.end() || !(magnitude->second > 0)) {
      return missing("positive magnitude of '" + tensor.name + "'");
    }
  }
  return {};
}

// Query, key and value are written by one linear, whose codes have one upper limit.
Status check_query_bits(const FloatNetwork& network, const Plan& plan, const Node& node) {
  std::set<int> bits;
  for (const TensorId id : node.outputs) {
    if (!is_per_head(network.at(id).role)) continue;
    for (const ActivationScheme& scheme : plan.activations.at(network.at(id).name)) bits.insert(scheme.bits);
  }
  if (bits.size() < 2) return {};
  return {Code::unsupported, "different bits for query, key and value of '" + node.name + "'"};
}

Status check_residual(const FloatNetwork& network, TensorId id, const ResidualScheme& s, double finest) {
  const Tensor& residual = network.at(id);
  if (!can_have_steps(network, id)) {
    return {Code::unsupported, "steps of the residual stream at '" + residual.name +
                                   "', where it begins; this version has them where it is added to"};
  }
  const double octaves = std::log2(s.step / finest);
  // One octave below the finest step is the 16-bit unit.
  const int highest = static_cast<int>(std::lround(octaves)) + 1 + s.coarse_shift;
  if (std::abs(octaves - std::round(octaves)) > 1e-6 || highest + s.bits > 16) {
    return {Code::unsupported, "steps of the residual stream at '" + residual.name +
                                   "' that are no powers of two of each other or exceed 16 bits"};
  }
  for (const int c : s.coarse_channels) {
    if (c >= residual.columns) return unfit("a coarse channel " + std::to_string(c) + " at '" + residual.name + "'");
  }
  return {};
}

Status check_stream(const FloatNetwork& network, const Plan& plan, const Stream& stream) {
  const auto named = plan.magnitudes.find(network.at(stream.tensors.front()).name);
  if (named == plan.magnitudes.end() && !(plan.residual_magnitude > 0)) return missing("positive residual_magnitude");
  if (named != plan.magnitudes.end() && !(named->second > 0)) {
    return missing("positive magnitude of '" + named->first + "'");
  }
  double finest = 0;
  const auto scheme_at = [&](TensorId id) {
    const auto found = plan.residuals.find(network.at(id).name);
    return found == plan.residuals.end() ? nullptr : &found->second;
  };
  for (const TensorId id : stream.tensors) {
    if (const ResidualScheme* s = scheme_at(id)) finest = finest == 0 ? s->step : std::min(finest, s->step);
  }
  for (const TensorId id : stream.tensors) {
    const ResidualScheme* s = scheme_at(id);
    if (s == nullptr) continue;
    if (Status status = check_residual(network, id, *s, finest); !status.ok()) return status;
  }
  return {};
}

}  // namespace

bool executes(const FloatNetwork& network, TensorId codes, CodeKind kind) {
  if (kind == CodeKind::uniform) return true;
  const Tensor& tensor = network.at(codes);
  if (is_per_head(tensor.role)) return false;
  const Node& reader = network.node(network.linear_behind(codes));
  const bool joins_rows = reader.weights()->in > tensor.columns;
  if (joins_rows || network.at(reader.outputs[0]).role == Role::logits) return false;
  // A mean has the unit of its rows, which is none that a grid asks for.
  return kind == CodeKind::table || network.node(network.producer(codes)).as<MeanRows>() == nullptr;
}

bool can_have_steps(const FloatNetwork& network, TensorId residual) {
  const Node& producer = network.node(network.producer(residual));
  return producer.as<PatchEmbed>() != nullptr || (producer.as<Linear>() != nullptr && addend(producer) >= 0);
}

Status check_plan(const FloatNetwork& network, const Plan& plan) {
  for (TensorId id = 0; id < static_cast<TensorId>(network.tensors.size()); ++id) {
    if (Status status = check_tensor(network, plan, id); !status.ok()) return status;
  }
  for (const Node& node : network.nodes) {
    if (Status status = check_query_bits(network, plan, node); !status.ok()) return status;
    if (node.weights() != nullptr && !plan.weights.contains(node.name))
      return missing("weights of '" + node.name + "'");
  }
  for (const auto& [name, scheme] : plan.residuals) {
    const TensorId id = network.find(name);
    if (id < 0 || network.at(id).role != Role::residual)
      return unfit("a residual scheme for '" + name + "', which is no residual");
  }
  for (const Stream& stream : streams_of(network)) {
    if (Status status = check_stream(network, plan, stream); !status.ok()) return status;
  }
  return {};
}

}  // namespace intvit
