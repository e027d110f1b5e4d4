#include "engine/run/attention_memory.h"

#include <algorithm>

#include "engine/ops/scratch.h"
#include "engine/program/attention_layers.h"

namespace intvit {
namespace {

std::uint64_t divisor_bytes(const AttentionLayer& layer) {
  return align_scratch(std::uint64_t{layer.rows()} * sizeof(std::uint32_t));
}

std::uint64_t weight_bytes(const AttentionLayer& layer) {
  return align_scratch(std::uint64_t{layer.count()} * sizeof(std::uint16_t));
}

std::vector<bool> set_of(std::size_t layers, const std::vector<int>& asked) {
  std::vector<bool> set(layers);
  for (const int layer : asked) set[static_cast<std::size_t>(layer)] = true;
  return set;
}

}  // namespace

Status AttentionMemory::check(const std::vector<AttentionLayer>& layers, const std::vector<int>& asked) {
  for (const int layer : asked) {
    if (layer >= 0 && static_cast<std::size_t>(layer) < layers.size()) continue;
    return no_attention_layer(layer, layers);
  }
  return {};
}

std::uint64_t AttentionMemory::bytes(const std::vector<AttentionLayer>& layers, const std::vector<int>& asked) {
  const std::vector<bool> wanted = set_of(layers.size(), asked);
  std::uint64_t total = 0;
  for (std::size_t i = 0; i < layers.size(); ++i) {
    if (!wanted[i]) continue;
    std::uint64_t count = 1;
    for (const int edge : {layers[i].windows, layers[i].heads, layers[i].queries, layers[i].keys}) {
      count *= static_cast<std::uint64_t>(edge);
      if (count >= kTooMany) return kTooMany;
    }
    total += divisor_bytes(layers[i]) + weight_bytes(layers[i]);
    if (total >= kTooMany) return kTooMany;
  }
  return total;
}

AttentionMemory::AttentionMemory(const Program& program, const std::vector<AttentionLayer>& layers,
                                 const std::vector<int>& asked)
    : layers_(layers), places_(layers.size()) {
  if (asked.empty()) return;
  const std::vector<bool> wanted = set_of(layers.size(), asked);
  const std::vector<std::size_t> steps = attention_steps(program);
  of_step_.assign(program.steps.size(), UINT32_MAX);
  std::uint64_t at = 0;
  for (std::size_t i = 0; i < layers.size(); ++i) {
    if (!wanted[i]) continue;
    of_step_[steps[i]] = static_cast<std::uint32_t>(i);
    places_[i] = {at, at + divisor_bytes(layers[i])};
    at = places_[i].weights + weight_bytes(layers[i]);
  }
}

AttentionWeights AttentionMemory::of_step(std::size_t step, std::uint8_t* memory) const {
  if (of_step_.empty() || of_step_[step] == UINT32_MAX) return {};
  const AttentionLayer& layer = layers_[of_step_[step]];
  const Place& place = places_[of_step_[step]];
  return {reinterpret_cast<std::uint16_t*>(memory + place.weights),
          reinterpret_cast<std::uint32_t*>(memory + place.divisors), layer.heads, layer.queries, layer.keys};
}

Result<AttentionView> AttentionMemory::view(std::size_t layer, const std::uint8_t* memory) const {
  if (layer >= layers_.size()) return no_attention_layer(static_cast<long long>(layer), layers_);
  const AttentionLayer& shape = layers_[layer];
  const Place& place = places_[layer];
  if (place.divisors == kNowhere) {
    return {Code::invalid_argument, "the session was not asked for attention layer " + std::to_string(layer) + " ('" +
                                        shape.name + "', of " + std::to_string(layers_.size()) +
                                        "); name it in SessionOptions::attention_layers when it is created"};
  }
  return AttentionView{reinterpret_cast<const std::uint16_t*>(memory + place.weights),
                       reinterpret_cast<const std::uint32_t*>(memory + place.divisors),
                       shape.windows,
                       shape.heads,
                       shape.queries,
                       shape.keys};
}

}  // namespace intvit
