// Lists of the tensors that a network needs, put together layer by layer.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "models/tensor_names.h"

namespace intvit {

class SpecList {
 public:
  using Shape = std::vector<std::int64_t>;

  // Not nested braces, about which gcc 12 warns wrongly (-Wmaybe-uninitialized).
  void add(TensorName name, Shape shape) {
    TensorSpec spec;
    spec.name = std::move(name);
    spec.shape = std::move(shape);
    specs_.push_back(std::move(spec));
  }

  void norm(const std::string& name, std::int64_t channels) {
    add({name + ".weight"}, {channels});
    add({name + ".bias"}, {channels});
  }

  void linear(const std::string& name, Shape shape, bool bias = true) {
    const std::int64_t out = shape[0];
    add({name + ".weight"}, std::move(shape));
    if (bias) add({name + ".bias"}, {out});
  }

  std::vector<TensorSpec> take() { return std::move(specs_); }

 private:
  std::vector<TensorSpec> specs_;
};

}  // namespace intvit
