// Checkpoints of Hugging Face's transformers: names, heads and preprocessing.
#include <doctest/doctest.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

#include "converter/families/load_network.h"
#include "models/library_names.h"
#include "tests/converter/checkpoints.h"
#include "tests/converter/network_parts.h"

using namespace intvit;
using namespace intvit::checkpoints;

namespace {

// timm's names -> transformers', with `prefix` before all but the classifiers.
TensorMap to_hugging_face(const TensorMap& tensors, const std::string& prefix, const std::string& head) {
  TensorMap renamed;
  for (const auto& [name, tensor] : tensors) {
    if (name.find(".attn.qkv.") != std::string::npos) {
      const std::size_t third = tensor.values.size() / 3;
      std::vector<std::int64_t> shape = tensor.shape;
      shape[0] /= 3;
      int index = 0;
      for (const TensorPart part : {TensorPart::query, TensorPart::key, TensorPart::value}) {
        const auto begin = tensor.values.begin() + static_cast<std::ptrdiff_t>(third) * index++;
        renamed[prefix + library_name(Naming::transformers, {name, part})] = {
            shape, {begin, begin + static_cast<std::ptrdiff_t>(third)}};
      }
    } else if (name.starts_with("head.")) {
      renamed[head + name.substr(4)] = tensor;
    } else if (name.starts_with("head_dist.")) {
      renamed[library_name(Naming::transformers, {name})] = tensor;
    } else {
      renamed[prefix + library_name(Naming::transformers, {name})] = tensor;
    }
  }
  return renamed;
}

constexpr const char* kHuggingFaceConfig = R"({"model_type": "vit", "hidden_size": 16, "num_hidden_layers": 1,
  "num_attention_heads": 2, "intermediate_size": 32, "hidden_act": "gelu_new", "layer_norm_eps": 1e-05,
  "image_size": 8, "patch_size": 4, "id2label": {"0": "a", "1": "b", "2": "c", "3": "d", "4": "e"}})";

}  // namespace

TEST_CASE("load_network: transformers' names give the same network as timm's") {
  const TensorMap tensors = tensors_of(tiny_description());
  const auto expected = load_tiny(tensors);
  REQUIRE(expected.ok());
  for (const char* prefix : {"", "vit.", "deit."}) {
    CAPTURE(prefix);
    TensorMap renamed = to_hugging_face(tensors, prefix, "classifier");
    renamed[std::string(prefix) + "pooler.dense.bias"] = numbered({16}, 9);  // harmless
    const auto network = load_tiny(renamed, kHuggingFaceConfig);
    if (!network.ok()) FAIL(network.status().message());
    check_same(network.value(), expected.value());
    for (const char* norm : {"blocks.0.norm1", "blocks.0.norm2", "norm"}) {
      CHECK(node_of(network.value(), norm).as<LayerNorm>()->eps == 1e-5);
    }
    CHECK(node_of(network.value(), "blocks.0.mlp.act").as<Activate>()->function == Activation::gelu_tanh);
    CHECK(network.value().preprocessing.crop_mode == "squash");
    CHECK(network.value().labels.size() == 5);
  }
}

TEST_CASE("load_network: transformers' DeiT with two heads and with one") {
  VitDescription vit = tiny_description();
  vit.distillation_token = true;
  TensorMap tensors = tensors_of(vit);
  const auto expected = load_tiny(tensors);
  REQUIRE(expected.ok());
  std::string config = kHuggingFaceConfig;
  config.replace(config.find("vit"), 3, "deit");
  const auto network = load_tiny(to_hugging_face(tensors, "deit.", "cls_classifier"), config);
  if (!network.ok()) FAIL(network.status().message());
  check_same(network.value(), expected.value());

  tensors.erase("head_dist.weight");
  tensors.erase("head_dist.bias");
  const auto one = load_tiny(to_hugging_face(tensors, "deit.", "classifier"), config);
  REQUIRE(one.ok());
  const FloatLinear& head = linear_of(one.value(), "head");
  CHECK(head.in == 32);
  CHECK(head.weight[32 + 3] == tensors.at("head.weight").values[16 + 3]);
  CHECK(head.weight[32 + 16 + 3] == 0.0f);
  CHECK(head.bias == tensors.at("head.bias").values);
}

TEST_CASE("load_network: transformers' preprocessing") {
  const TempFolder folder;
  folder.write("model.safetensors", safetensors(to_hugging_face(tensors_of(tiny_description()), "vit.", "classifier")));
  folder.write("config.json", kHuggingFaceConfig);
  const auto load = [&folder](const char* config) {
    folder.write("preprocessor_config.json", config);
    const auto network = load_network(folder.path());
    if (!network.ok()) FAIL(network.status().message());
    return network.value().preprocessing;
  };
  Preprocessing input = load(R"({"size": {"height": 8, "width": 8}, "resample": 2, "image_mean": [0.1, 0.2, 0.3],
                                 "image_std": [0.5, 0.5, 0.5], "do_normalize": true,
                                 "rescale_factor": 0.00392156862745098})");
  CHECK(input.crop_mode == "squash");
  CHECK(input.crop_pct == 1.0);
  CHECK(input.interpolation == "bilinear");
  CHECK(input.mean == std::array<double, 3>{0.1, 0.2, 0.3});
  input = load(R"({"size": {"shortest_edge": 10}, "crop_size": 8, "do_center_crop": true, "resample": 3})");
  CHECK(input.crop_mode == "center_floor");
  CHECK(static_cast<int>(8 / input.crop_pct) == 10);
  CHECK(input.interpolation == "bicubic");
  input = load(R"({"size": 8, "do_normalize": false})");
  CHECK(input.mean == std::array<double, 3>{0.0, 0.0, 0.0});
  CHECK(input.stddev == std::array<double, 3>{1.0, 1.0, 1.0});
}

TEST_CASE("load_network: transformers' multi-label classifiers, and numbers that JSON does not have") {
  const TensorMap tensors = to_hugging_face(tensors_of(tiny_description()), "vit.", "classifier");
  const auto with = [](const std::string& more) {
    return "{\"layer_norm_eps_2\": NaN, \"x\": [-Infinity, Infinity, \"a \\\" NaN\"], " + more +
           std::string(kHuggingFaceConfig).substr(1);
  };
  const Result<FloatNetwork> many = load_tiny(tensors, with("\"problem_type\": \"multi_label_classification\", "));
  REQUIRE_MESSAGE(many.ok(), many.status().message());
  CHECK(many.value().multi_label);
  for (const char* other : {"", "\"problem_type\": null, ", "\"problem_type\": \"single_label_classification\", "}) {
    const Result<FloatNetwork> one = load_tiny(tensors, with(other));
    REQUIRE_MESSAGE(one.ok(), one.status().message());
    CHECK_FALSE(one.value().multi_label);
  }
  // Where somebody asks for the number, it is an error.
  std::string config = kHuggingFaceConfig;
  config.replace(config.find("1e-05"), 5, "NaN");
  CHECK(contains(load_tiny(tensors, config).status().message(), "layer_norm_eps"));
}
