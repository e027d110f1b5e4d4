// Checkpoints that no plain classifier has: a norm in front of the blocks, no head, average pooling in either place.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "tests/converter/checkpoints.h"
#include "tests/converter/float_reference.h"
#include "tests/converter/network_parts.h"

using namespace intvit;
using namespace intvit::checkpoints;

namespace {

std::string config_with(const std::string& words) {
  std::string config = kTinyConfig;
  const std::string classes = "\"num_classes\": 5";
  return config.replace(config.find(classes), classes.size(), words);
}

FloatNetwork loaded(const VitDescription& vit, const std::string& config, const OutputChoice& outputs = {}) {
  Result<FloatNetwork> network = load_tiny(tensors_of(vit), config, outputs);
  REQUIRE_MESSAGE(network.ok(), network.status().message());
  return network.take();
}

void scale_to(double largest, std::vector<float>& values) {
  double now = 1e-30;
  for (const float v : values) now = std::max<double>(now, std::abs(v));
  for (float& v : values) v = static_cast<float>(v * largest / now);
}

// One output for some picture, in double precision, and the float network's is near it. The weights of the file, which
// are large, are made small.
float_reference::Row reference_output(FloatNetwork network, std::size_t output) {
  for (Node& node : network.nodes) {
    if (FloatLinear* layer = node.weights()) {
      scale_to(2 / std::sqrt(layer->in), layer->weight);
      scale_to(1, layer->bias);
    }
    if (auto* norm = node.as<LayerNorm>()) {
      scale_to(1, norm->norm.gamma);
      scale_to(1, norm->norm.beta);
    }
  }
  scale_to(1, token_init_of(network));
  std::vector<std::uint8_t> picture(picture_bytes(network));
  for (std::size_t i = 0; i < picture.size(); ++i) picture[i] = static_cast<std::uint8_t>(i * 37 % 251);
  FloatForward forward(network, 1);
  forward.run(picture.data());
  const float_reference::Row expected = float_reference::Reference(network, picture.data()).output(output);
  const auto values = forward.output(output);
  REQUIRE(values.size() == expected.size());
  double largest = 0;
  for (const double v : expected) largest = std::max(largest, std::abs(v));
  for (std::size_t i = 0; i < expected.size(); ++i) CHECK(std::abs(values[i] - expected[i]) <= 1e-4 * largest);
  return expected;
}

}  // namespace

TEST_CASE("load_network: a norm in front of the blocks, and a patch embedding without a bias") {
  VitDescription vit = tiny_description();
  vit.pre_norm = true;
  const TensorMap tensors = tensors_of(vit);
  REQUIRE_FALSE(tensors.contains("patch_embed.proj.bias"));
  FloatNetwork network = loaded(vit, kTinyConfig);
  CHECK(linear_of(network, "patch_embed").bias == std::vector<float>(16, 0.0f));
  CHECK(norm_of(network, "norm_pre").gamma == tensors.at("norm_pre.weight").values);
  CHECK(norm_of(network, "norm_pre").beta == tensors.at("norm_pre.bias").values);
  CHECK(network.at(tensor_of(network, "norm_pre.residual")).role == Role::residual);
  CHECK(network.readers(tensor_of(network, "patch_embed.residual")) == std::vector{network.find_node("norm_pre")});
  CHECK(reference_output(network, 0).size() == 5);
  // The bias is one tensor too many.
  TensorMap both = tensors;
  both["patch_embed.proj.bias"] = numbered({16}, 1);
  check_load_fails(load_tiny(both), Code::corrupt_file, {"unexpected 1 (patch_embed.proj.bias)"});
}

TEST_CASE("load_network: without a head it is an encoder, which gives the pooled row and all tokens") {
  VitDescription vit = tiny_description();
  vit.num_classes = 0;
  const TensorMap tensors = tensors_of(vit);
  REQUIRE_FALSE(tensors.contains("head.weight"));
  for (const char* words : {"\"num_classes\": 0", "\"label_count\": 1"}) {  // said, and seen from the tensors
    CAPTURE(std::string(words));
    FloatNetwork network = loaded(vit, config_with(words));
    CHECK(network.classes() == 0);
    CHECK(network.labels.empty());
    CHECK(network.find_node("head") == -1);
    REQUIRE(network.outputs.size() == 2);
    CHECK(network.outputs[0].name == "embedding");
    CHECK(network.outputs[1].name == "tokens");
    const float_reference::Row embedding = reference_output(network, 0), tokens = reference_output(network, 1);
    REQUIRE(embedding.size() == 16);
    REQUIRE(tokens.size() == 5 * 16);
    CHECK(embedding == float_reference::Row(tokens.begin(), tokens.begin() + 16));  // the class token
  }
  check_load_fails(load_tiny(tensors), Code::corrupt_file, {"missing 2 (head.weight, head.bias)"});
}

TEST_CASE("load_network: average pooling behind the final norm and in front of it") {
  VitDescription vit = tiny_description();
  vit.pooling = Pooling::average;
  for (const bool fc_norm : {false, true}) {
    CAPTURE(fc_norm);
    vit.fc_norm = fc_norm;
    const TensorMap tensors = tensors_of(vit);
    FloatNetwork network = loaded(
        vit, config_with(std::string("\"num_classes\": 5, \"global_pool\": \"avg\", \"model_args\": {\"fc_norm\": ") +
                         (fc_norm ? "true" : "false") + "}"));
    const char* name = fc_norm ? "fc_norm" : "norm";
    CHECK(network.find_node(fc_norm ? "norm" : "fc_norm") == -1);
    CHECK(norm_of(network, name).gamma == tensors.at(std::string(name) + ".weight").values);
    CHECK((network.find_node(name) < network.find_node("pool")) == !fc_norm);
    const auto* pool = node_of(network, "pool").as<MeanRows>();
    CHECK(pool->first_row == 1);
    CHECK(pool->count == 4);
    CHECK(reference_output(network, 0).size() == 5);
  }
}

// A model's labels are as many as its classes, and without logits it has none.
TEST_CASE("load_network: labels are of networks that give logits") {
  const VitDescription vit = tiny_description();
  CHECK(loaded(vit, kTinyConfig, {{"embedding", "logits"}, {}}).labels.size() == 5);
  CHECK(loaded(vit, kTinyConfig, {{"embedding"}, {}}).labels.empty());
}

TEST_CASE("load_network: the outputs are those that are asked for") {
  const VitDescription vit = tiny_description();
  const FloatNetwork network = loaded(vit, kTinyConfig, {{"features", "logits"}, {0}});
  REQUIRE(network.outputs.size() == 3);
  CHECK(network.outputs[0].name == "logits");
  CHECK(network.outputs[1].name == "features");
  CHECK(network.outputs[2].name == "features.0");
  CHECK(network.labels.size() == 5);
  CHECK(loaded(vit, kTinyConfig, {{"features"}, {}}).labels.empty());
  check_load_fails(load_tiny(tensors_of(vit), kTinyConfig, {{"depth"}, {}}), Code::invalid_argument, {"'depth'"});
  check_load_fails(load_tiny(tensors_of(vit), kTinyConfig, {{}, {1}}), Code::invalid_argument, {"no block 1"});
}
