// Reads the values of checked tensors layer by layer, in the engine's order: what families' readers are written with.
#pragma once

#include <string>
#include <vector>

#include "converter/graph/layers.h"
#include "converter/read/tensor_table.h"
#include "intvit/status.h"

namespace intvit {

class WeightReader {
 public:
  using Floats = std::vector<float>;

  explicit WeightReader(const TensorTable& tensors) : tensors_(tensors) {}

  // After the first failure everything that is read is empty, and callers must cope with that.
  const Status& status() const { return status_; }

  bool has(const TensorName& name) const { return tensors_.find(name) != nullptr; }
  Floats read(const std::string& name, TensorPart part = TensorPart::whole);

  // Zeros for a bias that the checkpoint does not have.
  FloatLinear linear(const std::string& name, int out, int in);
  FloatLayerNorm norm(const std::string& name);

  // patch_embed.proj: [channels][colour][y][x] becomes [channels][y][x][colour], as pixels lie in memory.
  FloatLinear patch_embed(int channels, int patch);

  // Gates and values of a gated MLP one below the other; a plain layer is read as it is.
  FloatLinear fc1(const std::string& name, int out, int in);

  // Query, key and value one below the other, whatever tensors they and their biases are in.
  FloatLinear qkv(const std::string& name, int channels);

 private:
  const TensorTable& tensors_;
  Status status_;
};

}  // namespace intvit
