// Checkpoints of Vision Transformers whose positions are no table of tokens: BEiT's biases by offset, EVA-02's
// rotations.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "converter/families/relative_bias.h"
#include "converter/families/vit/random_vit.h"
#include "converter/families/vit/rotary_angles.h"
#include "models/library_names.h"
#include "tests/converter/checkpoints.h"
#include "tests/converter/float_reference.h"
#include "tests/converter/network_parts.h"
#include "tests/converter/small_network.h"

using namespace intvit;
using namespace intvit::checkpoints;

namespace {

VitDescription tiny_beit() { return as_beit(tiny_description()); }

// In the names of a library that keeps biases of query and value alone.
TensorMap tensors_without_key_bias(const VitDescription& vit, Naming naming) {
  TensorLayout layout;
  layout.split_qkv = splits_qkv(naming);
  layout.split_biases = !layout.split_qkv;
  layout.key_bias = false;
  TensorMap tensors;
  for (const TensorSpec& spec : vit_tensors(vit, layout)) {
    // Of one weight and of its three parts the same values.
    const int seed = 10 + static_cast<int>(spec.name.name.size());
    StoredTensor tensor = numbered(spec.shape, spec.name.part == TensorPart::whole ? seed : 1);
    if (contains(spec.name.name, "attn.qkv.weight")) {
      const int first = spec.name.part == TensorPart::key ? 16 : spec.name.part == TensorPart::value ? 32 : 0;
      for (std::size_t i = 0; i < tensor.values.size(); ++i) {
        tensor.values[i] = static_cast<float>(first * 16 + static_cast<int>(i)) / 64.0f;
      }
    }
    tensors[library_name(naming, spec.name)] = std::move(tensor);
  }
  return tensors;
}

constexpr const char* kBeitConfig = R"({"architecture": "beit_base_patch16_224", "num_classes": 5, "model_args":
  {"img_size": 8, "patch_size": 4, "embed_dim": 16, "depth": 1, "num_heads": 2, "mlp_ratio": 2, "init_values": 0.1}})";
constexpr const char* kTransformersBeitConfig = R"({"model_type": "beit", "image_size": 8, "patch_size": 4,
  "hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32, "num_labels": 5,
  "use_relative_position_bias": true})";
constexpr const char* kEvaConfig = R"({"architecture": "eva02_tiny_patch14_224", "num_classes": 5, "model_args":
  {"img_size": 8, "patch_size": 4, "embed_dim": 16, "depth": 1, "num_heads": 2, "mlp_ratio": 4}})";

}  // namespace

TEST_CASE("load_network: BEiT in timm's names and in transformers'") {
  const TensorMap timm_tensors = tensors_without_key_bias(tiny_beit(), Naming::timm_parts);
  REQUIRE(timm_tensors.contains("blocks.0.gamma_1"));
  REQUIRE(timm_tensors.contains("blocks.0.attn.q_bias"));
  Result<FloatNetwork> timm = load_tiny(timm_tensors, kBeitConfig);
  REQUIRE_MESSAGE(timm.ok(), timm.status().message());
  TensorMap theirs = tensors_without_key_bias(tiny_beit(), Naming::transformers_beit);
  theirs["embeddings.mask_token"] = numbered({1, 1, 16}, 1);
  const Result<FloatNetwork> transformers = load_tiny(theirs, kTransformersBeitConfig);
  REQUIRE_MESSAGE(transformers.ok(), transformers.status().message());
  check_same(timm.value(), transformers.value());
  const auto* attention = node_of(timm.value(), "blocks.0.attn").as<Attention>();
  CHECK(attention->bias == node_of(transformers.value(), "blocks.0.attn").as<Attention>()->bias);
  REQUIRE(attention->bias.size() == 2 * 5 * 5);
  const std::vector<float>& qkv = linear_of(timm.value(), "blocks.0.attn.qkv").bias;
  CHECK(std::all_of(qkv.begin() + 16, qkv.begin() + 32, [](float b) { return b == 0; }));
  CHECK(qkv[32] != 0);
  // Patches get nothing, the class its token.
  const std::vector<float>& init = token_init_of(timm.value());
  CHECK(std::all_of(init.begin() + 16, init.end(), [](float v) { return v == 0; }));
  CHECK(std::vector<float>(init.begin(), init.begin() + 16) == timm_tensors.at("cls_token").values);
  // Layer scale is in the weights.
  CHECK(linear_of(timm.value(), "blocks.0.attn.proj").weight[0] ==
        timm_tensors.at("blocks.0.attn.proj.weight").values[0] * timm_tensors.at("blocks.0.gamma_1").values[0]);
}

TEST_CASE("load_network: a table of BEiT's for another grid is refused") {
  TensorMap tensors = tensors_without_key_bias(tiny_beit(), Naming::timm_parts);
  std::string config = kBeitConfig;
  config.replace(config.find("\"img_size\": 8"), 13, "\"img_size\": 12");
  check_load_fails(load_tiny(tensors, config), Code::corrupt_file,
                   {"wrong shape", "relative_position_bias_table is [12, 2], needs [28, 2]"});
  tensors["rel_pos_bias.relative_position_bias_table"] = numbered({12, 2}, 1);
  check_load_fails(load_tiny(tensors, kBeitConfig), Code::unsupported, {"relative positions"});
}

// Rows of the table: offsets 3x3, then what the class adds to patches, patches to the class, the class to itself.
TEST_CASE("relative_bias_with_class: offsets of patches and three rows of the class") {
  std::vector<float> table;
  for (int i = 0; i < 12; ++i) table.push_back(static_cast<float>(i));
  CHECK(relative_bias_with_class(table, 1, 2, 2) ==
        std::vector<float>{11, 9, 9, 9, 9, 10, 4, 3, 1, 0, 10, 5, 4, 2, 1, 10, 7, 6, 4, 3, 10, 8, 7, 5, 4});
}

TEST_CASE("load_network: EVA-02's neighbouring pairs are parted, of queries and keys alike") {
  VitDescription vit = tiny_description();
  vit.mlp_dim = 64;
  vit.gated_mlp = true;
  vit.rotary = Rotary::grid;
  vit.pooling = Pooling::average;
  vit.fc_norm = true;
  const TensorMap tensors = tensors_without_key_bias(vit, Naming::timm_parts);
  std::string config = kEvaConfig;
  config.replace(config.find("\"mlp_ratio\": 4"), 14, "\"mlp_ratio\": 8");  // of both halves
  Result<FloatNetwork> network = load_tiny(tensors, config);
  REQUIRE_MESSAGE(network.ok(), network.status().message());
  const FloatLinear& qkv = linear_of(network.value(), "blocks.0.attn.qkv");
  const std::vector<float>& stored = tensors.at("blocks.0.attn.qkv.weight").values;
  // Heads of 8 channels: the second head of the key begins with its even ones.
  for (const auto& [row, from] : {std::pair{0, 0}, {1, 2}, {3, 6}, {4, 1}, {7, 7}, {25, 26}, {28, 25}, {33, 33}}) {
    CAPTURE(row);
    CHECK(qkv.weight[static_cast<std::size_t>(row * 16)] == stored[static_cast<std::size_t>(from * 16)]);
  }
  CHECK(qkv.bias[1] == tensors.at("blocks.0.attn.q_bias").values[2]);
  const auto* rotate = node_of(network.value(), "blocks.0.attn.q_rope").as<Rotate>();
  REQUIRE(rotate != nullptr);
  CHECK(rotate->first_row == 1);
  REQUIRE(rotate->cosines.size() == 4 * 4);
  // Of two patches along an axis the second one lies at 8 of 16; the second band is a hundred times slower.
  CHECK(rotate->sines[3 * 4 + 0] == doctest::Approx(std::sin(8.0)));
  CHECK(rotate->sines[3 * 4 + 1] == doctest::Approx(std::sin(0.08)));
  CHECK(rotate->sines[1 * 4 + 0] == 0);
  CHECK(rotate->sines[1 * 4 + 2] == doctest::Approx(std::sin(8.0)));
}

TEST_CASE("float network with relative and rotary positions equals one in double precision") {
  for (const int kind : {0, 1, 2}) {
    CAPTURE(kind);
    VitDescription vit = kind == 0 ? tiny_beit() : tiny_description();
    if (kind > 0) vit.rotary = kind == 1 ? Rotary::grid : Rotary::centres;
    vit.absolute_positions = kind == 1;
    vit.register_tokens = 2;
    vit.preprocessing.height = 12;
    const FloatNetwork network = random_network(vit, 5);
    std::vector<std::uint8_t> picture(picture_bytes(network));
    for (std::size_t i = 0; i < picture.size(); ++i) picture[i] = static_cast<std::uint8_t>(i * 37 % 251);
    FloatForward forward(network, 1);
    const std::vector<float> got = judged_output(forward, network, picture.data());
    const float_reference::Row expected = float_reference::Reference(network, picture.data()).output(0);
    REQUIRE(got.size() == expected.size());
    for (std::size_t i = 0; i < got.size(); ++i) REQUIRE(std::abs(got[i] - expected[i]) < 1e-4);
  }
}

TEST_CASE("load_network: rotary positions need heads of a multiple of 4 channels") {
  VitDescription vit = tiny_description();
  vit.gated_mlp = true;
  vit.fc_norm = true;
  std::string config = kEvaConfig;
  config.replace(config.find("\"num_heads\": 2"), 14, "\"num_heads\": 8");
  check_load_fails(load_tiny(tensors_without_key_bias(vit, Naming::timm_parts), config), Code::unsupported,
                   {"heads of 2 channels are no multiple of 4"});
}
