// Parts of a network by name, for tests that look into one, change it or run it.
#pragma once

#include <doctest/doctest.h>

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "converter/float/forward.h"
#include "converter/graph/network.h"

namespace intvit {

inline TensorId tensor_of(const FloatNetwork& network, std::string_view name) {
  const TensorId id = network.find(name);
  REQUIRE_MESSAGE(id >= 0, name);
  return id;
}

inline const Node& node_of(const FloatNetwork& network, std::string_view name) {
  const int index = network.find_node(name);
  REQUIRE_MESSAGE(index >= 0, name);
  return network.node(index);
}
inline Node& node_of(FloatNetwork& network, std::string_view name) {
  return const_cast<Node&>(node_of(static_cast<const FloatNetwork&>(network), name));
}

// Of a linear layer or the patch embedding.
inline const FloatLinear& linear_of(const FloatNetwork& network, std::string_view name) {
  const FloatLinear* layer = node_of(network, name).weights();
  REQUIRE_MESSAGE(layer != nullptr, name);
  return *layer;
}
inline FloatLinear& linear_of(FloatNetwork& network, std::string_view name) {
  return const_cast<FloatLinear&>(linear_of(static_cast<const FloatNetwork&>(network), name));
}

inline FloatLayerNorm& norm_of(FloatNetwork& network, std::string_view name) {
  auto* norm = node_of(network, name).as<LayerNorm>();
  REQUIRE_MESSAGE(norm != nullptr, name);
  return norm->norm;
}

// [rows][columns] of the first stream.
inline std::vector<float>& token_init_of(FloatNetwork& network) { return network.node(0).as<PatchEmbed>()->token_init; }
inline const std::vector<float>& token_init_of(const FloatNetwork& network) {
  return network.node(0).as<PatchEmbed>()->token_init;
}

inline std::size_t picture_bytes(const FloatNetwork& network) {
  return static_cast<std::size_t>(network.preprocessing.height) *
         static_cast<std::size_t>(network.preprocessing.width) * 3;
}

// The output that quality is measured at.
inline std::vector<float> judged_output(FloatForward& forward, const FloatNetwork& network, const std::uint8_t* picture,
                                        Observer* observer = nullptr) {
  forward.run(picture, observer);
  const auto values = forward.output(network.judged_output());
  return {values.begin(), values.end()};
}

}  // namespace intvit
