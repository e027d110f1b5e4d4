#include "tests/converter/renamed_checkpoints.h"

#include <doctest/doctest.h>

#include <cstddef>
#include <cstdint>

namespace intvit::checkpoints {
namespace {

StoredTensor part_of(const StoredTensor& tensor, std::size_t index, std::size_t parts) {
  const std::size_t size = tensor.values.size() / parts;
  const auto begin = tensor.values.begin() + static_cast<std::ptrdiff_t>(index * size);
  StoredTensor part = {tensor.shape, {begin, begin + static_cast<std::ptrdiff_t>(size)}};
  part.shape[0] /= static_cast<std::int64_t>(parts);
  return part;
}

StoredTensor transposed(const StoredTensor& tensor) {
  StoredTensor result = {{tensor.shape[1], tensor.shape[0]}, {}};
  for (std::int64_t c = 0; c < tensor.shape[1]; ++c) {
    for (std::int64_t r = 0; r < tensor.shape[0]; ++r) {
      result.values.push_back(tensor.values[static_cast<std::size_t>(r * tensor.shape[1] + c)]);
    }
  }
  return result;
}

}  // namespace

TensorMap renamed(const TensorMap& tensors, Naming naming, const std::string& prefix) {
  TensorMap result;
  for (const auto& [name, tensor] : tensors) {
    if (splits_qkv(naming) && contains(name, ".attn.qkv.")) {
      std::size_t index = 0;
      for (const TensorPart part : {TensorPart::query, TensorPart::key, TensorPart::value}) {
        result[prefix + library_name(naming, {name, part})] = part_of(tensor, index++, 3);
      }
      continue;
    }
    StoredTensor stored = naming == Naming::open_clip && name == "head.weight" ? transposed(tensor) : tensor;
    // CLIP's tokens and positions have no outer dimension.
    if (is_clip(naming) && stored.shape[0] == 1) stored.shape.erase(stored.shape.begin());
    result[prefix + library_name(naming, {name})] = stored;
  }
  return result;
}

FloatNetwork loaded_files(const TensorMap& tensors, const std::string& config, std::vector<std::string>* notes,
                          const char* config_name, const OutputChoice& outputs) {
  const TempFolder folder;
  folder.write("model.safetensors", safetensors(tensors));
  if (!config.empty()) folder.write(config_name, config);
  Result<FloatNetwork> network = load_network(folder.path(), notes, outputs);
  REQUIRE_MESSAGE(network.ok(), network.status().message());
  return network.take();
}

VitDescription dinov2(int registers) {
  VitDescription vit = tiny_description();
  vit.num_classes = 0;
  vit.layer_scale = true;
  vit.register_tokens = registers;
  vit.bare_registers = registers > 0;
  return vit;
}

VitDescription clip() {
  VitDescription vit = tiny_description();
  vit.num_classes = 0;
  vit.projection_dim = 6;
  vit.pre_norm = true;
  vit.fc_norm = true;
  return vit;
}

VitDescription siglip() {
  VitDescription vit = tiny_description();
  vit.num_classes = 0;
  vit.class_token = false;
  vit.pooling = Pooling::attention;
  return vit;
}

std::string dinov2_config(int registers, const std::string& more) {
  return R"({"model_type": ")" + std::string(registers > 0 ? "dinov2_with_registers" : "dinov2") +
         R"(", "hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "mlp_ratio": 2, "image_size": 8,
            "patch_size": 4, "num_register_tokens": )" +
         std::to_string(registers) + more + "}";
}

}  // namespace intvit::checkpoints
