// Checkpoints of Swin Transformers in the names of timm, transformers, torchvision and Swin's own repository: the same
// network, but for the libraries' conventions.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>
#include <vector>

#include "converter/families/load_network.h"
#include "models/library_names.h"
#include "models/swin_tensors.h"
#include "tests/converter/checkpoints.h"
#include "tests/converter/network_parts.h"

using namespace intvit;
using namespace intvit::checkpoints;

namespace {

// Grids 6x6 and 3x3, windows of 4: the first has pads, the second is smaller than its window.
SwinDescription tiny_swin(int version) {
  SwinDescription swin;
  swin.version = version;
  swin.embed_dim = 8;
  swin.stages = {{2, 2, 4}, {1, 4, 4}};
  swin.mlp_ratio = 2;
  swin.num_classes = 5;
  swin.preprocessing.height = swin.preprocessing.width = 24;
  return swin;
}

constexpr const char* kTimmSwin = R"({"architecture": "swin_tiny_patch4_window7_224", "num_classes": 5, "model_args":
  {"img_size": 24, "embed_dim": 8, "depths": [2, 1], "num_heads": [2, 4], "window_size": 4, "mlp_ratio": 2}})";
constexpr const char* kTimmSwinV2 = R"({"architecture": "swinv2_tiny_window8_256", "num_classes": 5, "model_args":
  {"img_size": 24, "embed_dim": 8, "depths": [2, 1], "num_heads": [2, 4], "window_size": 4, "mlp_ratio": 2}})";

std::string transformers_config(int version) {
  return std::string(R"({"model_type": ")") + (version == 1 ? "swin" : "swinv2") +
         R"(", "image_size": 24, "patch_size": 4, "embed_dim": 8, "depths": [2, 1], "num_heads": [2, 4],
         "window_size": 4, "mlp_ratio": 2.0, "hidden_act": "gelu", "num_labels": 5})";
}

std::string torchvision_config(int version) {
  return std::string(R"({"library": "torchvision", "architecture": ")") + (version == 1 ? "swin_t" : "swin_v2_t") +
         R"(", "num_classes": 5, "model_args": {"patch_size": [4, 4], "embed_dim": 8, "depths": [2, 1],
         "num_heads": [2, 4], "window_size": [4, 4], "mlp_ratio": 2.0}, "transforms": {"resize_size": [32],
         "crop_size": [24], "interpolation": "bilinear", "mean": [0.1, 0.2, 0.3], "std": [1, 2, 3]}})";
}

StoredTensor part_rows(const StoredTensor& tensor, std::size_t part, std::size_t parts) {
  const std::size_t size = tensor.values.size() / parts;
  const auto begin = tensor.values.begin() + static_cast<std::ptrdiff_t>(part * size);
  StoredTensor result = {tensor.shape, {begin, begin + static_cast<std::ptrdiff_t>(size)}};
  result.shape[0] /= static_cast<std::int64_t>(parts);
  return result;
}

// In timm's names. Small values; version 2 has a bias of keys, which is nothing to anybody but a library without it.
TensorMap swin_tensors_of(const SwinDescription& swin) {
  TensorMap tensors;
  int seed = 1;
  for (const TensorSpec& spec : swin_tensors(swin, {})) {
    StoredTensor tensor = numbered(spec.shape, seed++);
    for (std::size_t i = 0; i < tensor.values.size(); ++i) {
      tensor.values[i] = std::sin(static_cast<float>(i) * 0.7f + static_cast<float>(seed));
    }
    tensors[spec.name.name] = std::move(tensor);
  }
  return tensors;
}

// Query, key and value apart where the library has them so, and of version 2 the biases of query and value.
TensorMap renamed_swin(const TensorMap& tensors, Naming naming, int version, const std::string& prefix = "") {
  TensorMap result;
  for (const auto& [name, tensor] : tensors) {
    const bool is_bias = contains(name, ".attn.qkv.bias");
    const bool apart = contains(name, ".attn.qkv.") && (splits_qkv(naming) || (is_bias && version == 2));
    if (!apart || naming == Naming::torchvision_swin) {
      result[prefix + library_name(naming, {name})] = tensor;
      continue;
    }
    std::size_t index = 0;
    for (const TensorPart part : {TensorPart::query, TensorPart::key, TensorPart::value}) {
      const StoredTensor rows = part_rows(tensor, index++, 3);
      if (is_bias && part == TensorPart::key && version == 2) continue;
      result[prefix + library_name(naming, {name, part})] = rows;
    }
  }
  return result;
}

FloatNetwork loaded_swin(const TensorMap& tensors, const std::string& config, std::vector<std::string>* notes = nullptr,
                         const InputSize& input = {}) {
  const TempFolder folder;
  folder.write("model.safetensors", safetensors(tensors));
  if (!config.empty()) folder.write("config.json", config);
  Result<FloatNetwork> network = load_network(folder.path(), notes, {}, input);
  REQUIRE_MESSAGE(network.ok(), network.status().message());
  return network.take();
}

const WindowSpec& windows_of_node(const FloatNetwork& network, const char* attention) {
  return *node_of(network, attention).as<Attention>()->windows;
}

void check_same_biases(const FloatNetwork& a, const FloatNetwork& b) {
  for (std::size_t i = 0; i < a.nodes.size(); ++i) {
    const auto *left = a.nodes[i].as<Attention>(), *right = b.nodes[i].as<Attention>();
    if (left != nullptr) CHECK(left->bias == right->bias);
  }
}

}  // namespace

TEST_CASE("load_network: a Swin Transformer in timm's names") {
  const TensorMap tensors = swin_tensors_of(tiny_swin(1));
  FloatNetwork network = loaded_swin(tensors, kTimmSwin);
  CHECK(network.classes() == 5);
  CHECK(network.preprocessing.crop_pct == 0.9);
  CHECK(linear_of(network, "layers.0.blocks.1.attn.qkv").weight ==
        tensors.at("layers.0.blocks.1.attn.qkv.weight").values);
  CHECK(linear_of(network, "layers.1.downsample.reduction").bias == std::vector<float>(16, 0.0f));
  CHECK(norm_of(network, "layers.1.downsample.norm").gamma.size() == 32);
  CHECK(node_of(network, "norm").as<LayerNorm>()->eps == 1e-5);
  const WindowSpec first = windows_of_node(network, "layers.0.blocks.0.attn");
  CHECK(first == WindowSpec{6, 6, 4, 4, 0, 0, WindowPadding::after_move, PadToken::zero_input});
  CHECK(windows_of_node(network, "layers.0.blocks.1.attn").shift_down == 2);
  CHECK(windows_of_node(network, "layers.1.blocks.0.attn") == WindowSpec{3, 3, 3, 3, 0, 0, WindowPadding::after_move});
  // Query 5 is at (1, 1), key 2 at (0, 2): one row behind, one column before.
  const auto* attention = node_of(network, "layers.0.blocks.1.attn").as<Attention>();
  REQUIRE(attention->bias.size() == 2 * 16 * 16);
  const std::vector<float>& table = tensors.at("layers.0.blocks.1.attn.relative_position_bias_table").values;
  CHECK(attention->bias[(1 * 16 + 5) * 16 + 2] == table[((1 + 3) * 7 + (-1 + 3)) * 2 + 1]);
}

TEST_CASE("load_network: Swin Transformers of all libraries are the same network") {
  for (const int version : {1, 2}) {
    CAPTURE(version);
    SwinDescription swin = tiny_swin(version);
    const TensorMap tensors = swin_tensors_of(swin);
    const FloatNetwork timm =
        loaded_swin(renamed_swin(tensors, version == 1 ? Naming::timm : Naming::timm_parts, version),
                    version == 1 ? kTimmSwin : kTimmSwinV2);
    const FloatNetwork own =
        loaded_swin(renamed_swin(tensors, Naming::swin, version), version == 1 ? kTimmSwin : kTimmSwinV2);
    check_same(timm, own);
    check_same_biases(timm, own);
    // Shrunken windows have other tables than timm's only where the grid is not square.
    for (const char* prefix : {"", "swin.", "swinv2."}) {
      const FloatNetwork theirs =
          loaded_swin(renamed_swin(tensors, Naming::transformers_swin, version, prefix), transformers_config(version));
      check_same(timm, theirs);
      check_same_biases(timm, theirs);
      CHECK(windows_of_node(theirs, "layers.0.blocks.1.attn").padding == WindowPadding::before_move);
      CHECK(theirs.preprocessing.crop_mode == "squash");
    }
    swin.large_window = LargeWindow::stays;
    const TensorMap whole_windows = swin_tensors_of(swin);
    TensorMap of_torchvision = renamed_swin(whole_windows, Naming::torchvision_swin, version);
    of_torchvision["features.1.0.attn.relative_coords_table"] = numbered({1, 7, 7, 2}, 1);
    const FloatNetwork torchvision = loaded_swin(of_torchvision, torchvision_config(version));
    CHECK(linear_of(torchvision, "layers.1.downsample.reduction").weight ==
          whole_windows.at("layers.1.downsample.reduction.weight").values);
    CHECK(windows_of_node(torchvision, "layers.1.blocks.0.attn").window_width == 4);
    CHECK(windows_of_node(torchvision, "layers.1.blocks.0.attn").has_pads());
    CHECK(torchvision.preprocessing.crop_pct == 0.75);
    CHECK(torchvision.preprocessing.interpolation == "bilinear");
    CHECK(torchvision.preprocessing.stddev[2] == 3);
    const std::vector<float>& bias = linear_of(torchvision, "layers.0.blocks.0.attn.qkv").bias;
    CHECK(std::all_of(bias.begin() + 8, bias.begin() + 16, [](float b) { return b == 0; }) == (version == 2));
  }
}

TEST_CASE("load_network: scales of Swin V2 end at 100") {
  TensorMap tensors = swin_tensors_of(tiny_swin(2));
  tensors["layers.0.blocks.0.attn.logit_scale"].values = {1.5f, 7.0f};
  FloatNetwork network = loaded_swin(renamed_swin(tensors, Naming::timm_parts, 2), kTimmSwinV2);
  const FloatLayerNorm& query = norm_of(network, "layers.0.blocks.0.attn.q_norm");
  REQUIRE(query.gamma.size() == 8);
  CHECK(query.gamma[0] == doctest::Approx(std::exp(1.5f) / 2));  // heads of 4 channels
  CHECK(query.gamma[4] == doctest::Approx(100.0f / 2));
  CHECK(norm_of(network, "layers.0.blocks.0.attn.k_norm").gamma == std::vector<float>(8, 1.0f));
}

TEST_CASE("load_network: a Swin Transformer without a config is known by its sizes") {
  SwinDescription swin = tiny_swin(1);
  swin.embed_dim = 96;
  swin.stages = {{2, 3, 7}, {2, 6, 7}, {6, 12, 7}, {2, 24, 7}};
  swin.mlp_ratio = 4;
  swin.preprocessing.height = swin.preprocessing.width = 224;
  std::vector<std::string> notes;
  const FloatNetwork network =
      loaded_swin(renamed_swin(swin_tensors_of(swin), Naming::torchvision_swin, 1), "", &notes);
  CHECK(network.architecture == "swin_t");
  CHECK(network.preprocessing.crop_pct == doctest::Approx(224.0 / 232));
  REQUIRE(notes.size() == 1);
  CHECK(contains(notes[0], "taken for swin_t"));
}

TEST_CASE("load_network: Swin checkpoints that fit no network are refused in one line") {
  const TensorMap tensors = swin_tensors_of(tiny_swin(1));
  TensorMap without = tensors;
  without.erase("layers.0.blocks.1.attn.proj.bias");
  check_load_fails(load_tiny(without, kTimmSwin), Code::corrupt_file, {"missing 1 (layers.0.blocks.1.attn.proj.bias)"});
  TensorMap of_torchvision = renamed_swin(without, Naming::torchvision_swin, 1);
  check_load_fails(load_tiny(of_torchvision, torchvision_config(1)), Code::corrupt_file,
                   {"features.1.1.attn.proj.bias"});
  const auto with = [](const std::string& from, const std::string& to) {
    std::string config = kTimmSwin;
    return config.replace(config.find(from), from.size(), to);
  };
  const auto refused = [&](const std::string& config, const std::string& words) {
    check_load_fails(load_tiny(tensors, config), Code::unsupported, {words});
  };
  check_load_fails(load_tiny(tensors, with("[2, 4]", "[2, 4, 8]")), Code::corrupt_file,
                   {"num_heads has 3 values in the config, for 2 stages"});
  check_load_fails(load_tiny(tensors, with("[2, 4]", "[2, \"4\"]")), Code::corrupt_file, {"num_heads"});
  refused(with("[2, 4]", "[2, 3]"), "num_heads 3 of stage 1 does not divide its 16 channels");
  refused(with("\"img_size\": 24", "\"img_size\": 26"), "patch_size 4 does not divide the input size 26x26");
  std::string huge = with("\"img_size\": 24", "\"img_size\": 8192");
  huge.replace(huge.find("\"embed_dim\": 8"), 14, "\"embed_dim\": 256");
  refused(huge, "make 4194304 tokens of 256 channels");
  refused(with("\"mlp_ratio\": 2", "\"always_partition\": true"), "always_partition");
  check_load_fails(load_tiny(tensors, with("\"window_size\": 4", "\"window_size\": 257")), Code::corrupt_file,
                   {"window_size"});
  check_load_fails(load_tiny(tensors, with("\"window_size\": 4", "\"window_size\": 3")), Code::corrupt_file,
                   {"wrong shape", "relative_position_bias_table is [49, 2], needs [25, 2]"});
}

// The second stage's grid is 3 x 3 at 24 pixels, which the config says, and 6 x 3 at 48 x 24.
TEST_CASE("load_network: windows of transformers' Swin shrink to the grid, those of its Swin V2 to the config's") {
  for (const int version : {1, 2}) {
    CAPTURE(version);
    for (const InputSize& input : {InputSize{48, 24}, InputSize{48, 48}}) {
      SwinDescription swin = tiny_swin(version);
      if (version == 1) swin.preprocessing.height = input.height, swin.preprocessing.width = input.width;
      swin.large_window = LargeWindow::shrinks_both;
      const TensorMap tensors = renamed_swin(swin_tensors_of(swin), Naming::transformers_swin, version);
      const FloatNetwork network = loaded_swin(tensors, transformers_config(version), nullptr, input);
      const WindowSpec& windows = windows_of_node(network, "layers.1.blocks.0.attn");
      CHECK(windows.grid_height == 6);
      const bool whole = version == 1 && input.width == 48;
      CHECK(windows.window_height == (whole ? 4 : 3));
      CHECK(windows.window_width == (whole ? 4 : 3));
      CHECK(windows.has_pads() == whole);
    }
  }
}

TEST_CASE("load_network: names of stages have a counterpart only where the library counts so") {
  const auto canonical = [](Naming naming, const char* name) {
    const auto found = canonical_name(naming, name);
    return found ? found->name : std::string("none");
  };
  CHECK(canonical(Naming::torchvision_swin, "features.7.1.mlp.3.weight") == "layers.3.blocks.1.mlp.fc2.weight");
  CHECK(canonical(Naming::torchvision_swin, "features.6.reduction.weight") == "layers.3.downsample.reduction.weight");
  CHECK(canonical(Naming::torchvision_swin, "features.4.1.mlp.3.weight") == "none");
  CHECK(canonical(Naming::torchvision_swin, "features.5.reduction.weight") == "none");
  CHECK(canonical(Naming::torchvision_swin, "features.99999999999.reduction.weight") == "none");
  CHECK(canonical(Naming::torchvision_swin, "features.0.0.weight") == "patch_embed.proj.weight");
  CHECK(canonical(Naming::swin, "layers.0.downsample.norm.bias") == "layers.1.downsample.norm.bias");
  CHECK(canonical(Naming::swin, "head.weight") == "head.fc.weight");
  CHECK(library_name(Naming::torchvision_swin, {"layers.2.blocks.17.norm1.weight"}) == "features.5.17.norm1.weight");
  CHECK(library_name(Naming::transformers_swin, {"layers.3.downsample.norm.weight"}) ==
        "encoder.layers.2.downsample.norm.weight");
}
