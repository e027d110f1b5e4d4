// Checkpoints in transformers' names against what PyTorch computes from the same weights: DINOv3 with plain and gated
// MLPs, and Swin Transformers of both versions whose grids have pads. scripts/torch_outputs.py writes the outputs.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "models/library_names.h"
#include "models/swin_tensors.h"
#include "models/tensor_names.h"
#include "tests/converter/checkpoints.h"
#include "tests/converter/conversion_parts.h"
#include "tests/converter/small_network.h"

using namespace intvit;
using namespace intvit::checkpoints;

namespace {

#include "tests/converter/torch_outputs.inc"

// 32 bits of the i-th value of a tensor or picture, as in the script.
std::uint32_t mixed_bits(std::uint32_t i, std::uint32_t seed) {
  std::uint32_t x = i * 2654435761u + seed * 40503u + 12345u;
  x ^= x >> 15;
  x *= 0x2C1B3C6Du;
  return x ^ x >> 12;
}

double stored_value(const std::string& name, const std::vector<std::int64_t>& shape, double v) {
  if (name.ends_with("logit_scale")) return 2 + v;
  if (name.ends_with("lambda1")) return 1 + v;
  if (name.ends_with("bias")) return 0.5 * v;
  if (!name.ends_with("weight")) return 4 * v;
  if (shape.size() == 1) return 1 + 0.5 * v;
  double inputs = 1;
  for (std::size_t i = 1; i < shape.size(); ++i) inputs *= static_cast<double>(shape[i]);
  return 4 * v / std::sqrt(inputs);
}

TensorMap torch_tensors(const std::vector<TensorSpec>& specs, Naming naming, const std::string& prefix) {
  TensorMap tensors;
  for (const TensorSpec& spec : specs) {
    std::string name = library_name(naming, spec.name);
    // Of the two names that timm has for these biases.
    if (name.ends_with("q_bias") || name.ends_with("v_bias")) name.replace(name.size() - 4, 4, "proj.bias");
    tensors[(name.starts_with("classifier") ? "" : prefix) + name].shape = spec.shape;
  }
  std::uint32_t seed = 0;
  for (auto& [name, tensor] : tensors) {
    ++seed;
    std::int64_t count = 1;
    for (const std::int64_t n : tensor.shape) count *= n;
    for (std::int64_t i = 0; i < count; ++i) {
      const double v = mixed_bits(static_cast<std::uint32_t>(i), seed) * 0x1p-32 - 0.5;
      tensor.values.push_back(static_cast<float>(stored_value(name, tensor.shape, v)));
    }
  }
  return tensors;
}

class OnePicture : public PictureSource {
 public:
  explicit OnePicture(const std::vector<std::uint8_t>& pixels) : pixels_(pixels) {}
  int count() const override { return 1; }
  Status read(int, std::uint8_t* pixels) override {
    std::copy(pixels_.begin(), pixels_.end(), pixels);
    return {};
  }

 private:
  const std::vector<std::uint8_t>& pixels_;
};

// Of the float network, then of its integers.
void check_torch_output(const TensorMap& tensors, const std::string& config, const OutputChoice& outputs, int every,
                        std::span<const double> expected) {
  const Result<FloatNetwork> network = load_tiny(tensors, config, outputs);
  REQUIRE_MESSAGE(network.ok(), network.status().message());
  std::vector<std::uint8_t> picture(picture_bytes(network.value()));
  for (std::size_t i = 0; i < picture.size(); ++i) {
    picture[i] = static_cast<std::uint8_t>(mixed_bits(static_cast<std::uint32_t>(i), 0) >> 24);
  }
  FloatForward forward(network.value(), 1);
  forward.run(picture.data());
  const auto values = forward.output(0);
  const std::size_t columns = static_cast<std::size_t>(network.value().at(network.value().outputs[0].tensor).columns);
  std::size_t compared = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (i / columns % static_cast<std::size_t>(every) != 0) continue;
    REQUIRE(compared < expected.size());
    CHECK(std::abs(values[i] - expected[compared++]) < 2e-5);
  }
  CHECK(compared == expected.size());
  OnePicture pictures(picture);
  const Result<Conversion> conversion =
      convert(network.value(), pictures, {.method = "percentile", .threads = 1, .plan = {}}, kSilent);
  REQUIRE_MESSAGE(conversion.ok(), conversion.status().message());
  const double db = port_sqnr_db(network.value(), conversion.value(), pictures)[0];
  MESSAGE("in integers: " << db << " dB");
  CHECK(db > 20);
}

}  // namespace

TEST_CASE("torch: DINOv3 in transformers' names, with plain and gated MLPs") {
  for (const bool gated : {false, true}) {
    CAPTURE(gated);
    VitDescription vit;
    vit.patch_size = 4;
    vit.embed_dim = 16;
    vit.depth = 2;
    vit.num_heads = 2;
    vit.mlp_dim = 24;
    vit.register_tokens = 2;
    vit.absolute_positions = false;
    vit.layer_scale = true;
    vit.gated_mlp = gated;
    TensorLayout layout;
    layout.split_qkv = true;
    layout.key_bias = false;
    layout.split_gate = gated;
    TensorMap tensors = torch_tensors(vit_tensors(vit, layout), Naming::transformers_dinov3, "");
    tensors["embeddings.mask_token"] = numbered({1, 1, 16}, 1);
    const std::string config = std::string(R"({"model_type": "dinov3_vit", "hidden_size": 16, "num_hidden_layers": 2,
      "num_attention_heads": 2, "intermediate_size": 24, "patch_size": 4, "image_size": 12, "num_register_tokens": 2,
      "hidden_act": ")") + (gated ? "silu\", \"use_gated_mlp\": true}" : "gelu\"}");
    check_torch_output(tensors, config, {{"tokens"}, {}}, 3,
                       gated ? std::span<const double>(kGatedDinov3Tokens) : std::span<const double>(kDinov3Tokens));
  }
}

TEST_CASE("torch: EVA-02 in timm's names, with a norm in gated MLPs and layers of their own for q, k, v and gates") {
  VitDescription vit;
  vit.patch_size = 4;
  vit.embed_dim = 16;
  vit.depth = 2;
  vit.num_heads = 2;
  vit.mlp_dim = 24;
  vit.num_classes = 5;
  vit.preprocessing.height = vit.preprocessing.width = 12;
  vit.fc_norm = true;
  vit.gated_mlp = true;
  vit.mlp_norm = true;
  TensorLayout layout;
  layout.split_qkv = true;
  layout.key_bias = false;
  layout.split_gate = true;
  const TensorMap tensors = torch_tensors(vit_tensors(vit, layout), Naming::timm_parts, "");
  REQUIRE(tensors.contains("blocks.0.attn.q_proj.bias"));
  REQUIRE(tensors.contains("blocks.0.mlp.fc1_g.weight"));
  check_torch_output(tensors, R"({"architecture": "eva02_base_patch14_448", "num_classes": 5, "pretrained_cfg":
    {"crop_mode": "center", "mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5]}, "model_args": {"img_size": 12,
    "patch_size": 4, "embed_dim": 16, "depth": 2, "num_heads": 2, "mlp_ratio": 3}})",
                     {}, 1, kEvaLogits);
}

TEST_CASE("torch: Swin Transformers in transformers' names, whose grids are padded before they move") {
  for (const int version : {1, 2}) {
    CAPTURE(version);
    SwinDescription swin;
    swin.version = version;
    swin.embed_dim = 8;
    swin.stages = {{2, 2, 4}, {2, 4, 4}};
    swin.mlp_ratio = 2;
    swin.num_classes = 5;
    swin.preprocessing.height = swin.preprocessing.width = 40;
    SwinLayout layout;
    layout.split_qkv = true;
    const TensorMap tensors = torch_tensors(swin_tensors(swin, layout), Naming::transformers_swin, "swin.");
    const std::string config = std::string(R"({"model_type": ")") + (version == 1 ? "swin" : "swinv2") +
                               R"(", "image_size": 40, "patch_size": 4, "embed_dim": 8, "depths": [2, 2],
      "num_heads": [2, 4], "window_size": 4, "mlp_ratio": 2.0, "num_labels": 5})";
    check_torch_output(tensors, config, {}, 1,
                       version == 1 ? std::span<const double>(kSwinLogits) : std::span<const double>(kSwinV2Logits));
  }
}
