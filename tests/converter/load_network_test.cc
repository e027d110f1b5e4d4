// Checkpoints with timm's names: what becomes of the tensors, and that what does not fit gives one clear message.
#include "converter/families/load_network.h"

#include <doctest/doctest.h>

#include <array>
#include <bit>
#include <cstddef>
#include <string>
#include <vector>

#include "models/architectures.h"
#include "tests/converter/checkpoints.h"
#include "tests/converter/network_parts.h"

using namespace intvit;
using namespace intvit::checkpoints;

TEST_CASE("load_network: a NaN weight is named") {
  TensorMap tensors = tensors_of(tiny_description());
  tensors["blocks.0.mlp.fc1.bias"].values[3] = std::bit_cast<float>(0x7fc00000u);
  check_load_fails(load_tiny(tensors), Code::corrupt_file, {"'blocks.0.mlp.fc1.bias'", "NaN", "element 3"});
}

TEST_CASE("load_network: the description comes from the config and the tensors") {
  const auto network = load_tiny(tensors_of(tiny_description()));
  REQUIRE(network.ok());
  const FloatNetwork& tiny = network.value();
  CHECK(tiny.architecture == "tiny");
  CHECK(tiny.at(tensor_of(tiny, "blocks.0.residual")).columns == 16);
  CHECK(tiny.at(tensor_of(tiny, "blocks.0.residual")).rows == 5);
  CHECK(tiny.segment_count() == 3);  // embedding, one block, head
  CHECK(tiny.at(tensor_of(tiny, "blocks.0.attn.query")).heads == 2);
  CHECK(tiny.at(tensor_of(tiny, "blocks.0.mlp.fc2.input")).columns == 32);
  CHECK(tiny.classes() == 5);
  CHECK(tiny.preprocessing.height == 8);
  CHECK(tiny.preprocessing.crop_pct == 0.9);
  CHECK(tiny.preprocessing.stddev == std::array<double, 3>{0.25, 0.5, 0.5});
  CHECK(tiny.labels == std::vector<std::string>{"a", "b", "c", "d", "e"});
}

TEST_CASE("load_network: the patch embedding is reordered to (y, x, channel)") {
  const TensorMap tensors = tensors_of(tiny_description());
  const auto network = load_tiny(tensors);
  REQUIRE(network.ok());
  const FloatLinear& embed = linear_of(network.value(), "patch_embed");
  CHECK(embed.in == 48);
  const std::vector<float>& planar = tensors.at("patch_embed.proj.weight").values;
  for (std::size_t out = 0; out < 16; ++out) {
    for (std::size_t channel = 0; channel < 3; ++channel) {
      for (std::size_t y = 0; y < 4; ++y) {
        for (std::size_t x = 0; x < 4; ++x) {
          REQUIRE(embed.weight[out * 48 + (y * 4 + x) * 3 + channel] == planar[((out * 3 + channel) * 4 + y) * 4 + x]);
        }
      }
    }
    CHECK(embed.bias[out] == tensors.at("patch_embed.proj.bias").values[out]);
  }
}

TEST_CASE("load_network: prefix tokens and positions") {
  VitDescription vit = tiny_description();
  vit.register_tokens = 2;
  for (const bool no_embed_class : {false, true}) {
    CAPTURE(no_embed_class);
    vit.no_embed_class = no_embed_class;
    const TensorMap tensors = tensors_of(vit);
    const auto network = load_tiny(tensors);
    REQUIRE(network.ok());
    const std::vector<float>& init = token_init_of(network.value());
    const std::vector<float>& positions = tensors.at("pos_embed").values;
    REQUIRE(init.size() == 7 * 16);
    const float class_position = no_embed_class ? 0.0f : positions[5];
    CHECK(init[5] == tensors.at("cls_token").values[5] + class_position);
    const float register_position = no_embed_class ? 0.0f : positions[2 * 16 + 5];
    CHECK(init[2 * 16 + 5] == tensors.at("reg_token").values[16 + 5] + register_position);
    CHECK(init[6 * 16 + 5] == positions[positions.size() - 16 + 5]);
  }
}

TEST_CASE("load_network: layer scale is folded into proj and fc2") {
  VitDescription vit = tiny_description();
  vit.layer_scale = true;
  const TensorMap tensors = tensors_of(vit);
  const auto network = load_tiny(tensors);
  REQUIRE(network.ok());
  const FloatLinear& proj = linear_of(network.value(), "blocks.0.attn.proj");
  const FloatLinear& fc2 = linear_of(network.value(), "blocks.0.mlp.fc2");
  const auto value = [&tensors](const char* name, std::size_t i) { return tensors.at(name).values[i]; };
  CHECK(proj.weight[3 * 16 + 7] == value("blocks.0.attn.proj.weight", 3 * 16 + 7) * value("blocks.0.ls1.gamma", 3));
  CHECK(proj.bias[3] == value("blocks.0.attn.proj.bias", 3) * value("blocks.0.ls1.gamma", 3));
  CHECK(fc2.weight[5 * 32 + 9] == value("blocks.0.mlp.fc2.weight", 5 * 32 + 9) * value("blocks.0.ls2.gamma", 5));
  CHECK(fc2.bias[5] == value("blocks.0.mlp.fc2.bias", 5) * value("blocks.0.ls2.gamma", 5));
}

TEST_CASE("load_network: the two heads of a distilled model become one") {
  VitDescription vit = tiny_description();
  vit.distillation_token = true;
  const TensorMap tensors = tensors_of(vit);
  const auto network = load_tiny(tensors);
  REQUIRE(network.ok());
  const FloatLinear& head = linear_of(network.value(), "head");
  CHECK(head.in == 32);
  REQUIRE(head.weight.size() == 5 * 32);
  CHECK(head.weight[2 * 32 + 3] == 0.5f * tensors.at("head.weight").values[2 * 16 + 3]);
  CHECK(head.weight[2 * 32 + 16 + 3] == 0.5f * tensors.at("head_dist.weight").values[2 * 16 + 3]);
  CHECK(head.bias[4] == 0.5f * (tensors.at("head.bias").values[4] + tensors.at("head_dist.bias").values[4]));
  CHECK(token_init_of(network.value()).size() == 6 * 16);

  TensorMap plain = tensors_of(tiny_description());
  plain["head_dist.weight"] = tensors.at("head_dist.weight");
  check_load_fails(load_tiny(plain), Code::corrupt_file, {"unexpected 1 (head_dist.weight)"});
}
TEST_CASE("load_network: sharded checkpoints") {
  const TensorMap tensors = tensors_of(tiny_description());
  TensorMap first, second;
  std::string map;
  for (const auto& [name, tensor] : tensors) {
    TensorMap& shard = name < "c" ? first : second;
    shard[name] = tensor;
    map += (map.empty() ? "\"" : ",\"") + name + "\":\"" + (&shard == &first ? "s-1" : "s-2") + ".safetensors\"";
  }
  const TempFolder folder;
  folder.write("config.json", kTinyConfig);
  folder.write("s-1.safetensors", safetensors(first));
  folder.write("s-2.safetensors", safetensors(second));
  const auto load = [&folder](const std::string& weight_map) {
    folder.write("model.safetensors.index.json", "{\"weight_map\":{" + weight_map + "}}");
    return load_network(folder.path());
  };
  const auto network = load(map);
  if (!network.ok()) FAIL(network.status().message());
  check_same(network.value(), load_tiny(tensors).value());

  check_load_fails(load(R"("a":"../s-1.safetensors")"), Code::corrupt_file, {"'../s-1.safetensors'", "plain name"});
  check_load_fails(load(R"("a":"..")"), Code::corrupt_file, {"plain name"});
  check_load_fails(load(R"("no.such":"s-1.safetensors")"), Code::corrupt_file, {"'no.such'"});
  check_load_fails(load(R"("a":"s-3.safetensors")"), Code::not_found, {"s-3.safetensors"});
  folder.write("s-2.safetensors", safetensors(first));
  check_load_fails(load(map), Code::corrupt_file, {"both hold"});
}

TEST_CASE("load_network: everything that does not fit is in one message") {
  TensorMap tensors = tensors_of(tiny_description());
  tensors.erase("norm.bias");
  tensors.erase("blocks.0.norm2.weight");
  tensors["surprise"] = numbered({3}, 1);
  tensors["head.weight"] = numbered({4, 16}, 1);
  check_load_fails(load_tiny(tensors), Code::corrupt_file,
                   {"missing 2 (blocks.0.norm2.weight, norm.bias)", "unexpected 1 (surprise)",
                    "wrong shape 1 (head.weight is [4, 16], needs [5, 16])"});
  for (int i = 0; i < 20; ++i) tensors["surprise" + std::to_string(i)] = numbered({1}, 1);
  check_load_fails(load_tiny(tensors), Code::corrupt_file, {"unexpected 21 (", ", ...)"});
}

TEST_CASE("load_network: what this version cannot run is refused by name") {
  const auto with = [](const char* name) {
    TensorMap tensors = tensors_of(tiny_description());
    tensors[name] = numbered({16}, 1);
    return load_tiny(tensors);
  };
  check_load_fails(with("blocks.0.attn.q_norm.weight"), Code::unsupported, {"qk_norm"});
  check_load_fails(with("blocks.0.attn.rope.freqs"), Code::unsupported, {"rope"});

  const TensorMap tensors = tensors_of(tiny_description());
  const auto changed = [&tensors](const std::string& from, const std::string& to) {
    std::string config = kTinyConfig;
    config.replace(config.find(from), from.size(), to);
    return load_tiny(tensors, config);
  };
  CHECK(changed("8, 8", "12, 12").ok());  // positions are resized, which is another test's
  check_load_fails(changed("8, 8", "9, 8"), Code::unsupported, {"patch_size 4 does not divide", "9x8"});
  check_load_fails(changed("[3, 8", "[1, 8"), Code::unsupported, {"input_size", "3 channels"});
  check_load_fails(changed("\"num_heads\": 2", "\"num_heads\": 3"), Code::unsupported, {"num_heads 3", "16"});
  check_load_fails(changed("\"num_classes\": 5", "\"num_classes\": 0"), Code::corrupt_file,
                   {"unexpected 2 (head.bias, head.weight)"});
  check_load_fails(changed("0.9", "-1"), Code::corrupt_file, {"crop_pct is -1"});
  check_load_fails(changed("\"tiny\"", "[[[]]]"), Code::corrupt_file, {"architecture is a list"});
  check_load_fails(load_tiny(tensors, std::string(100000, '[')), Code::corrupt_file, {"config.json", "deep"});
  check_load_fails(load_tiny(tensors, R"({"architecture":"a","architecture":"b"})"), Code::corrupt_file, {"twice"});
  check_load_fails(load_tiny({{"x", numbered({1}, 1)}}, R"({"architecture":"deit_tinny_patch16_224.fb_in1k"})"),
                   Code::unsupported, {"did you mean deit_tiny_patch16_224?"});
}

TEST_CASE("load_network: a bare file, with and without an architecture in its metadata") {
  const TempFolder folder;
  const TensorMap tensors = tensors_of(tiny_description());
  folder.write("bare.safetensors", safetensors(tensors));
  std::vector<std::string> notes;
  check_load_fails(load_network(folder.file("bare.safetensors"), &notes), Code::unsupported, {"num_heads"});

  VitDescription vit = *describe_architecture("vit_demo_patch8_64");
  vit.depth = 6;
  folder.write("demo.safetensors", safetensors(tensors_of(vit), R"({"architecture":"vit_demo_patch8_64"})"));
  folder.write("labels.txt", "one\r\ntwo\n");
  notes.clear();
  const auto network = load_network(folder.file("demo.safetensors"), &notes);
  if (!network.ok()) FAIL(network.status().message());
  CHECK(network.value().at(tensor_of(network.value(), "blocks.0.attn.key")).heads == 3);
  CHECK(network.value().preprocessing.crop_pct == 0.9);
  CHECK(network.value().preprocessing.mean == std::array<double, 3>{0.5, 0.5, 0.5});
  REQUIRE(notes.size() == 1);
  CHECK(contains(notes[0], "2 labels for 16 classes"));
}
