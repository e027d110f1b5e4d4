#include "converter/float/finite.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <span>

namespace intvit {
namespace {

struct FirstNotFinite : Observer {
  void on_activation(TensorId id, float* data, int rows, int columns) override {
    if (tensor || all_finite(data, static_cast<std::size_t>(rows) * static_cast<std::size_t>(columns))) return;
    tensor = id;
  }
  std::optional<TensorId> tensor;
};

}  // namespace

Status not_finite(const FloatNetwork& network, TensorId tensor) {
  return {Code::corrupt_file,
          "the float network's values at '" + network.at(tensor).name +
              "' are not finite: the weights in front of it overflow; get or train the checkpoint again"};
}

Status check_finite(const FloatNetwork& network, FloatForward& forward, const std::uint8_t* picture) {
  const auto finite_outputs = [&] {
    for (std::size_t o = 0; o < network.outputs.size(); ++o) {
      const std::span<const float> values = forward.output(o);
      if (!all_finite(values.data(), values.size())) return false;
    }
    return true;
  };
  if (finite_outputs()) return {};
  FirstNotFinite first;
  forward.run(picture, &first);
  return not_finite(network, first.tensor.value_or(network.outputs[0].tensor));
}

}  // namespace intvit
