// Checkpoints with the names of DINOv2, of transformers' DINOv2 and CLIP, and of open_clip: the same network as with
// timm's names.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>
#include <string>
#include <vector>

#include "converter/families/load_network.h"
#include "models/library_names.h"
#include "tests/converter/checkpoints.h"
#include "tests/converter/network_parts.h"
#include "tests/converter/renamed_checkpoints.h"

using namespace intvit;
using namespace intvit::checkpoints;

namespace {

VitDescription gated_dinov2() {
  VitDescription vit = dinov2(0);
  vit.gated_mlp = true;
  vit.mlp_dim = 24;
  return vit;
}

// Other names for the two layers of the MLPs.
TensorMap with_gated_names(const TensorMap& tensors, const std::string& first, const std::string& second) {
  TensorMap result;
  for (const auto& [canonical, tensor] : tensors) {
    std::string name = canonical;
    if (const auto at = name.find("mlp.fc1."); at != std::string::npos) name.replace(at + 4, 3, first);
    if (const auto at = name.find("mlp.fc2."); at != std::string::npos) name.replace(at + 4, 3, second);
    result[name] = tensor;
  }
  return result;
}

FloatNetwork clip_network(const TensorMap& tensors) {
  return loaded_files(renamed(tensors, Naming::transformers_clip), kClipConfig);
}

void check_clip(const FloatNetwork& network, const TensorMap& tensors) {
  CHECK(network.outputs[0].name == "embedding");
  CHECK(network.at(network.outputs[0].tensor).columns == 6);
  CHECK(network.outputs[1].name == "tokens");
  CHECK(network.at(network.outputs[1].tensor).role == Role::residual);  // no norm
  CHECK(network.at(network.outputs[1].tensor).rows == 5);
  CHECK(linear_of(network, "head").weight == tensors.at("head.weight").values);
  CHECK(linear_of(network, "blocks.0.attn.qkv").weight == tensors.at("blocks.0.attn.qkv.weight").values);
  CHECK(node_of(network, "norm_pre").as<LayerNorm>()->norm.gamma == tensors.at("norm_pre.weight").values);
  CHECK(node_of(network, "fc_norm").as<LayerNorm>()->norm.gamma == tensors.at("fc_norm.weight").values);
  CHECK(node_of(network, "fc_norm").as<LayerNorm>()->eps == 1e-5);
}

}  // namespace

TEST_CASE("load_network: DINOv2 in its own names and in transformers' is what it is in timm's") {
  for (const int registers : {0, 3}) {
    CAPTURE(registers);
    const TensorMap tensors = tensors_of(dinov2(registers));
    const FloatNetwork network = loaded_files(renamed(tensors, Naming::transformers_dinov2), dinov2_config(registers));
    TensorMap own = renamed(tensors, Naming::dinov2);
    own["mask_token"] = numbered({1, 16}, 9);
    CHECK(own.contains("register_tokens") == (registers > 0));
    check_same(network, loaded_files(own, kEncoderConfig));

    // timm keeps the class token's position in the token itself.
    TensorMap timm = tensors;
    StoredTensor &positions = timm["pos_embed"], &token = timm["cls_token"];
    if (registers > 0) {
      for (std::size_t i = 0; i < 16; ++i) token.values[i] += positions.values[i];
      positions.values.erase(positions.values.begin(), positions.values.begin() + 16);
      positions.shape[1] -= 1;
    }
    check_same(network, loaded_files(timm, kEncoderConfig));
    CHECK(node_of(network, "norm").as<LayerNorm>()->eps == 1e-6);
    CHECK(network.preprocessing.crop_mode == "center_floor");
    CHECK(network.preprocessing.mean[0] == 0.485);
  }
}

TEST_CASE("load_network: DINOv2's classifiers in transformers' names and its own") {
  for (const int registers : {0, 3}) {
    CAPTURE(registers);
    TensorMap tensors = renamed(tensors_of(dinov2(registers)), Naming::transformers_dinov2, "dinov2.");
    tensors["classifier.weight"] = numbered({5, 32}, 1);
    tensors["classifier.bias"] = numbered({5}, 2);
    const std::string labels = R"(, "id2label": {"0": "a", "1": "b", "2": "c", "3": "d", "4": "e"})";
    const FloatNetwork network = loaded_files(tensors, dinov2_config(registers, labels));
    CHECK(network.classes() == 5);
    CHECK(network.labels.size() == 5);
    CHECK(linear_of(network, "head").weight == tensors.at("classifier.weight").values);
    const auto* mean = node_of(network, "pool").as<MeanRows>();
    REQUIRE(mean != nullptr);
    CHECK(mean->copied == 1);
    CHECK(mean->first_row == 1 + registers);
    CHECK(mean->count == 4);

    TensorMap own = renamed(tensors_of(dinov2(registers)), Naming::dinov2, "backbone.");
    own["backbone.mask_token"] = numbered({1, 16}, 9);
    own["linear_head.weight"] = tensors.at("classifier.weight");
    own["linear_head.bias"] = tensors.at("classifier.bias");
    std::string config = kEncoderConfig;
    config.replace(config.find(": 0,"), 4, ": 5,");
    std::vector<std::string> notes;
    check_same(network, loaded_files(own, config, &notes));
    CHECK(contains(notes.at(0), "prefix 'backbone.'"));
    own["linear_head.weight"] = numbered({5, 80}, 1);
    check_load_fails(load_tiny(own, config), Code::unsupported, {"class tokens of four blocks"});
  }
}

TEST_CASE("load_network: what of transformers' DINOv2 cannot be run") {
  const TensorMap tensors = renamed(tensors_of(dinov2(0)), Naming::transformers_dinov2, "dinov2.");
  // A gated MLP in a checkpoint or in its config alone.
  check_load_fails(load_tiny(tensors, dinov2_config(0, R"(, "use_swiglu_ffn": true)")), Code::corrupt_file,
                   {"mlp.fc1.weight is [32, 16], needs [48, 16]"});
  const TensorMap gated =
      with_gated_names(renamed(tensors_of(gated_dinov2()), Naming::transformers_dinov2), "weights_in", "weights_out");
  check_load_fails(load_tiny(gated, dinov2_config(0)), Code::unsupported, {"gated (SwiGLU)", "use_swiglu_ffn"});
}

// 24 = 2/3 of 32 rounded up to a multiple of 8.
TEST_CASE("load_network: gated MLPs in DINOv2's names, in transformers' and in timm's") {
  const TensorMap tensors = tensors_of(gated_dinov2());
  REQUIRE(tensors.at("blocks.0.mlp.fc1.weight").shape == std::vector<std::int64_t>{48, 16});
  const FloatNetwork network = loaded_files(tensors, kEncoderConfig);
  const Node& act = node_of(network, "blocks.0.mlp.act");
  REQUIRE(act.as<Multiply>() != nullptr);
  CHECK(act.as<Multiply>()->function == Activation::silu);
  CHECK(network.at(act.outputs[0]).columns == 24);
  // The first half is the gate.
  CHECK(node_of(network, "blocks.0.mlp.fc1").outputs == act.inputs);
  CHECK(network.at(act.inputs[0]).name == "blocks.0.mlp.fc1.gate");

  const TensorMap own = with_gated_names(tensors, "w12", "w3");
  check_same(network, loaded_files(own, kEncoderConfig));
  const TensorMap transformers =
      with_gated_names(renamed(tensors, Naming::transformers_dinov2), "weights_in", "weights_out");
  const std::string gated = R"(, "use_swiglu_ffn": true, "hidden_act": "gelu")";
  const FloatNetwork other = loaded_files(transformers, dinov2_config(0, gated));
  check_same(network, other);
  CHECK(node_of(other, "blocks.0.mlp.act").as<Multiply>()->function == Activation::silu);

  // timm's mlp_ratio is about both halves.
  const std::string config = kEncoderConfig;
  const auto with_ratio = [&](const char* ratio) {
    return load_tiny(tensors, config.substr(0, config.rfind('}')) + R"(, "model_args": {"mlp_ratio": )" + ratio + "}}");
  };
  CHECK(with_ratio("3").ok());
  check_load_fails(with_ratio("4"), Code::corrupt_file, {"mlp.fc1.weight is [48, 16], needs [64, 16]"});
  // An architecture that has plain ones.
  std::string plain = config;
  plain.replace(plain.find("tiny"), 4, "vit_small_patch14_dinov2");
  check_load_fails(load_tiny(tensors, plain), Code::unsupported, {"gated (SwiGLU)", "vit_small_patch14_dinov2"});
}

TEST_CASE("load_network: CLIP's image tower in transformers' names, alone and in a whole file") {
  const TensorMap tensors = tensors_of(clip());
  const FloatNetwork network = clip_network(tensors);
  check_clip(network, tensors);
  CHECK(node_of(network, "blocks.0.mlp.act").as<Activate>()->function == Activation::gelu_erf);
  CHECK(network.preprocessing.mean[0] == 0.48145466);
  CHECK(network.preprocessing.crop_mode == "center_floor");

  TensorMap whole = renamed(tensors, Naming::transformers_clip, "vision_model.");
  whole["visual_projection.weight"] = whole.at("vision_model.visual_projection.weight");
  whole.erase("vision_model.visual_projection.weight");
  for (const char* name : {"text_model.embeddings.token_embedding.weight", "text_projection.weight", "logit_scale"}) {
    whole[name] = numbered({3}, 1);
  }
  std::vector<std::string> notes;
  check_same(network, loaded_files(whole, kWholeClipConfig, &notes));
  REQUIRE(notes.size() == 2);  // and the processor's config
  CHECK(contains(notes[0], "3 tensors of the text tower are skipped"));

  // Without the projection the embedding is the normed class token.
  TensorMap bare = renamed(tensors, Naming::transformers_clip);
  bare.erase("visual_projection.weight");
  const FloatNetwork plain = loaded_files(bare, kClipConfig);
  CHECK(plain.find_node("head") == -1);
  CHECK(plain.at(plain.outputs[0].tensor).columns == 16);
}

TEST_CASE("load_network: CLIP's image tower in open_clip's names, with another config beside it") {
  const TensorMap tensors = tensors_of(clip());
  TensorMap whole = renamed(tensors, Naming::open_clip);
  for (const char* name : {"transformer.resblocks.0.ln_1.weight", "positional_embedding", "text_projection",
                           "ln_final.weight", "token_embedding.weight", "logit_scale"}) {
    whole[name] = numbered({3}, 1);
  }
  const TempFolder folder;
  folder.write("open_clip_model.safetensors", safetensors(whole));
  folder.write("open_clip_config.json", kOpenClipConfig);
  folder.write("config.json", R"({"model_type": "of another checkpoint"})");
  std::vector<std::string> notes;
  const auto network = load_network(folder.path(), &notes);
  REQUIRE_MESSAGE(network.ok(), network.status().message());
  check_same(network.value(), clip_network(tensors));
  check_clip(network.value(), tensors);
  CHECK(node_of(network.value(), "blocks.0.mlp.act").as<Activate>()->function == Activation::quick_gelu);
  CHECK(network.value().preprocessing.mean[2] == 0.3);
  CHECK(network.value().preprocessing.stddev[2] == 0.27577711);
  CHECK(network.value().preprocessing.crop_mode == "center");
  REQUIRE(notes.size() == 1);
  CHECK(contains(notes[0], "6 tensors of the text tower"));

  for (const char* words : {R"("attentional_pool": true)", R"("pool_type": "avg")", R"("layers": [1, 2])",
                            R"("final_ln_after_pool": true)"}) {
    CAPTURE(words);
    folder.write("open_clip_config.json", std::string(R"({"model_cfg": {"vision_cfg": {)") + words + "}}}");
    const std::string key = std::string(words).substr(1, std::string(words).find(':') - 2);
    check_load_fails(load_network(folder.path()), Code::unsupported, {key});
  }
}

TEST_CASE("load_network: towers of timm inside open_clip, with and without a projection") {
  const std::string config = R"({"model_cfg": {"embed_dim": 6, "vision_cfg": {"timm_model_name": "tiny",
    "timm_pool": "POOL", "timm_proj": "linear", "image_size": 8}}, "preprocess_cfg": {"resize_mode": "squash"}})";
  const auto config_of = [&](const std::string& pool) {
    return std::string(config).replace(config.find("POOL"), 4, pool);
  };
  const auto in_open_clip = [](TensorMap tensors) {
    TensorMap whole = renamed(tensors, Naming::timm, "visual.trunk.");
    if (auto head = whole.extract("visual.trunk.head.weight"); !head.empty()) {
      head.key() = "visual.head.proj.weight";
      whole.insert(std::move(head));
    }
    whole["logit_scale"] = {{}, {1}};
    whole["text.ln_final.weight"] = numbered({3}, 1);
    return whole;
  };
  VitDescription with_pool = siglip(), vit = tiny_description();
  with_pool.embed_dim = vit.embed_dim = 64;
  const TensorMap pooled = tensors_of(with_pool);
  std::vector<std::string> notes;
  const FloatNetwork siglip_network =
      loaded_files(in_open_clip(pooled), config_of("map"), &notes, "open_clip_config.json");
  // The name is unknown, so that heads have 64 channels.
  CHECK(siglip_network.at(tensor_of(siglip_network, "blocks.0.attn.query")).heads == 1);
  CHECK(siglip_network.preprocessing.crop_mode == "squash");
  CHECK(siglip_network.at(siglip_network.outputs[0].tensor).columns == 64);
  CHECK(std::any_of(notes.begin(), notes.end(), [](const auto& n) { return contains(n, "prefix 'visual.trunk.'"); }));
  CHECK(std::any_of(notes.begin(), notes.end(), [](const auto& n) { return contains(n, "2 tensors of the text"); }));

  vit.num_classes = 0;
  vit.projection_dim = 6;
  const TensorMap tensors = tensors_of(vit);
  const FloatNetwork network =
      loaded_files(in_open_clip(tensors), config_of("token"), nullptr, "open_clip_config.json");
  CHECK(linear_of(network, "head").weight == tensors.at("head.weight").values);
  CHECK(node_of(network, "norm").as<LayerNorm>()->eps == 1e-6);
  CHECK(network.at(network.outputs[0].tensor).columns == 6);

  const TempFolder folder;
  TensorMap mlp = in_open_clip(tensors);
  mlp["visual.head.mlp.fc1.weight"] = numbered({3}, 1);
  folder.write("model.safetensors", safetensors(mlp));
  folder.write("open_clip_config.json", config_of("token"));
  check_load_fails(load_network(folder.path()), Code::unsupported, {"an MLP behind the image tower"});
  folder.write("open_clip_config.json", config_of("abs_attn"));
  check_load_fails(load_network(folder.path()), Code::unsupported, {"timm_pool", "abs_attn"});
}

TEST_CASE("load_network: SigLIP in timm's names and in transformers', with its text tower") {
  const TensorMap timm = tensors_of(siglip());
  std::string config = kEncoderConfig;
  config.replace(config.find("\"num_heads\""), 0, "\"global_pool\": \"map\", ");
  const FloatNetwork network = loaded_files(timm, config);
  CHECK(network.outputs[0].name == "embedding");
  CHECK(network.at(network.outputs[0].tensor).rows == 1);
  CHECK(network.at(tensor_of(network, "attn_pool.proj.input")).rows == 1);
  CHECK(network.at(tensor_of(network, "attn_pool.key")).rows == 4);
  // The query is that of every picture.
  const FloatLinear& qkv = linear_of(network, "attn_pool.qkv");
  const auto value = [&](const char* name, std::size_t i) { return static_cast<double>(timm.at(name).values[i]); };
  double query = value("attn_pool.q.bias", 3);
  for (std::size_t i = 0; i < 16; ++i) query += value("attn_pool.q.weight", 3 * 16 + i) * value("attn_pool.latent", i);
  CHECK(qkv.bias[3] == doctest::Approx(query));
  CHECK(std::all_of(qkv.weight.begin(), qkv.weight.begin() + 16 * 16, [](float w) { return w == 0; }));
  CHECK(qkv.weight[16 * 16 + 5] == timm.at("attn_pool.kv.weight").values[5]);
  CHECK(qkv.bias[2 * 16 + 5] == timm.at("attn_pool.kv.bias").values[16 + 5]);

  TensorMap packed = timm;
  for (const char* ending : {".weight", ".bias"}) {
    StoredTensor all = packed.at("attn_pool.q" + std::string(ending));
    const StoredTensor& others = packed.at("attn_pool.kv" + std::string(ending));
    all.values.insert(all.values.end(), others.values.begin(), others.values.end());
    all.shape[0] *= 3;
    packed["attn_pool.qkv" + std::string(ending)] = all;
    packed.erase("attn_pool.q" + std::string(ending));
    packed.erase("attn_pool.kv" + std::string(ending));
  }
  TensorMap whole = renamed(packed, Naming::transformers_siglip, "vision_model.");
  for (const char* name : {"text_model.head.weight", "logit_scale", "logit_bias"}) whole[name] = numbered({3}, 1);
  std::vector<std::string> notes;
  const FloatNetwork other =
      loaded_files(whole, R"({"model_type": "siglip", "vision_config": {"hidden_size": 16, "num_hidden_layers": 1,
                 "num_attention_heads": 2, "intermediate_size": 32, "image_size": 8, "patch_size": 4}})",
                   &notes);
  check_same(network, other);
  CHECK(node_of(other, "attn_pool.mlp.act").as<Activate>()->function == Activation::gelu_tanh);
  CHECK(node_of(network, "attn_pool.mlp.act").as<Activate>()->function == Activation::gelu_erf);
  CHECK(other.preprocessing.crop_mode == "squash");
  CHECK(contains(notes[0], "3 tensors of the text tower"));

  TensorMap classifier = timm;
  classifier["head.weight"] = numbered({5, 16}, 1);
  classifier["head.bias"] = numbered({5}, 1);
  config.replace(config.find("\"num_classes\": 0"), 16, "\"num_classes\": 5");
  check_load_fails(load_tiny(classifier, config), Code::unsupported, {"behind attention pooling"});
}

TEST_CASE("load_network: timm keeps CLIP's projection as a head without bias and without names") {
  VitDescription vit = clip();
  vit.fc_norm = false;
  vit.projection_dim = 0;
  vit.num_classes = 6;
  TensorMap tensors = tensors_of(vit);
  std::string config = kTinyConfig;
  config = config.substr(0, config.find(",\n  \"label_names\"")) + "}";
  config.replace(config.find("\"num_classes\": 5"), 16, "\"num_classes\": 6");
  CHECK(loaded_files(tensors, config).classes() == 6);  // its bias is not zero
  for (float& value : tensors.at("head.bias").values) value = 0;
  std::vector<std::string> notes;
  const FloatNetwork network = loaded_files(tensors, config, &notes);
  CHECK(network.classes() == 0);
  CHECK(network.at(tensor_of(network, "embedding")).columns == 6);
  CHECK(contains(notes.back(), "projection"));
}

TEST_CASE("load_network: prefixes of wrappers are left out with a note") {
  const TensorMap tensors = tensors_of(tiny_description());
  const FloatNetwork expected = loaded_files(tensors, kTinyConfig);
  for (const char* prefix : {"module.", "model.", "_orig_mod.module.", "timm_model.", "vision_model."}) {
    CAPTURE(prefix);
    std::vector<std::string> notes;
    check_same(expected, loaded_files(renamed(tensors, Naming::timm, prefix), kTinyConfig, &notes));
    REQUIRE(!notes.empty());
    CHECK(contains(notes[0], "prefix"));
    CHECK(contains(notes[0], std::to_string(tensors.size())));
  }
  TensorMap both = tensors;
  both["module.norm.weight"] = numbered({16}, 1);
  check_load_fails(load_tiny(both), Code::corrupt_file, {"'module.norm.weight'", "same tensor"});
}

TEST_CASE("load_network: without a config, CLIP's and DINOv2's values are assumed by name") {
  VitDescription vit = clip();
  vit.embed_dim = 128;  // two heads
  std::vector<std::string> notes;
  const FloatNetwork network = loaded_files(renamed(tensors_of(vit), Naming::transformers_clip), "", &notes);
  CHECK(node_of(network, "norm_pre").as<LayerNorm>()->eps == 1e-5);
  CHECK(node_of(network, "blocks.0.mlp.act").as<Activate>()->function == Activation::quick_gelu);
  CHECK(network.at(tensor_of(network, "blocks.0.attn.query")).heads == 2);
  CHECK(network.preprocessing.height == 8);
  CHECK(network.preprocessing.mean[0] == 0.48145466);
  REQUIRE(notes.size() == 3);
  CHECK(contains(notes[1], "quick GELU, layer_norm_eps = 1e-05"));
  CHECK(contains(notes[2], "CLIP's mean and std"));
}
