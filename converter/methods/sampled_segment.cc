#include "converter/methods/sampled_segment.h"

#include "converter/lower/check_plan.h"
#include "converter/quantizers/choose_activation.h"

namespace intvit {

SampledSegment::SampledSegment(const MethodInput& input, const SegmentSamples& segment)
    : index(segment.segment), samples(segment), network(input.network), input_(input) {
  const Segment& nodes = network.segment(index);
  for (int n = nodes.begin; n < nodes.end; ++n) {
    const Node& node = network.node(n);
    for (const TensorId id : node.outputs) {
      if (network.at(id).role != Role::linear_input || !executes(network, id, CodeKind::channel_groups)) continue;
      linear_inputs_.push_back({id, &node, &network.node(network.linear_behind(id)), &layer_behind(id)});
    }
    if (node.as<Attention>() == nullptr) continue;
    const TensorId attended = node.outputs[1];
    attentions_.push_back({node.inputs[0], node.inputs[1], node.inputs[2], node.outputs[0], attended,
                           network.at(node.inputs[0]).heads, &layer_behind(attended)});
    if (node.as<Attention>()->windows) windows_[node.outputs[0]] = {&node, {}, {}};
  }
}

const TensorSamples& SampledSegment::probabilities_of(const SampledAttention& a) {
  const auto found = windows_.find(a.probabilities);
  if (found == windows_.end()) return at(a.probabilities);
  TensorSamples& cut = found->second.probabilities;
  if (cut.pictures.empty()) cut = probabilities_in_windows(network, *found->second.node, samples);
  return cut;
}

const TensorSamples& SampledSegment::values_of(const SampledAttention& a) {
  const auto found = windows_.find(a.probabilities);
  if (found == windows_.end()) return at(a.value);
  TensorSamples& cut = found->second.values;
  if (cut.pictures.empty()) cut = values_in_windows(network, *found->second.node, samples);
  return cut;
}

const FloatLinear& SampledSegment::layer_behind(TensorId id) {
  const FloatLinear& layer = *network.node(network.linear_behind(id)).weights();
  const int columns = network.at(id).columns;
  if (layer.in == columns) return layer;
  FloatLinear split{layer.out * (layer.in / columns), columns, layer.weight, {}};
  split.bias.assign(static_cast<std::size_t>(split.out), 0.0f);
  return split_layers_.try_emplace(id, std::move(split)).first->second;
}

const std::map<TensorId, ActivationSchemes>& SampledSegment::clipped() {
  if (!clipped_.empty()) return clipped_;
  const auto add = [&](TensorId id, const ChannelError& error) {
    clipped_[id].push_back(choose_uniform(error, input_.activation_bits, input_.run.threads));
  };
  for (const SampledAttention& a : attentions_) {
    const TensorSamples &query = at(a.query), &key = at(a.key), &value = at(a.value);
    const int width = network.at(a.query).head_columns(), value_width = network.at(a.value).head_columns();
    const std::vector<double> columns = column_powers(*a.proj);
    for (int head = 0; head < a.heads; ++head) {
      const int first = head * width;
      // A query meets all keys; what they have in common adds the same to all scores, and the softmax does not see it.
      add(a.query, {query, first, channel_powers(key, first, width, true), true});
      add(a.key, {key, first, channel_powers(query, first, width, false), false});
      const auto own = columns.begin() + head * value_width;
      add(a.value, {value, head * value_width, std::vector<double>(own, own + value_width), false});
    }
  }
  for (const SampledInput& input : linear_inputs_) {
    if (!input.from<LayerNorm>()) add(input.tensor, {at(input.tensor), 0, column_powers(*input.layer), false});
  }
  return clipped_;
}

void SampledSegment::put_clipped(Plan& plan) {
  for (const auto& [id, schemes] : clipped()) plan.activations[name(id)] = schemes;
}

const AttentionError& SampledSegment::attention_error(const SampledAttention& a) {
  const auto found = attention_errors_.find(a.probabilities);
  if (found != attention_errors_.end()) return found->second;
  AttentionError error(probabilities_of(a), values_of(a), clipped().at(a.value), column_powers(*a.proj),
                       input_.run.threads);
  return attention_errors_.emplace(a.probabilities, std::move(error)).first->second;
}

}  // namespace intvit
