#include "tests/converter/golden_recipes.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "converter/families/random_layers.h"
#include "converter/families/swin/build_swin.h"
#include "converter/families/swin/random_swin.h"
#include "converter/families/vit/build_vit.h"
#include "converter/families/vit/random_vit.h"
#include "tests/converter/small_network.h"

namespace intvit {
namespace {

constexpr std::uint64_t kSeed = 31;

// 4 x 3 patches.
VitDescription golden_vit(const std::string& family) {
  VitDescription vit;
  vit.architecture = family;
  vit.patch_size = 4;
  vit.embed_dim = 24;
  vit.depth = 1;
  vit.num_heads = 2;
  vit.mlp_dim = 40;
  vit.num_classes = 11;
  vit.preprocessing.height = 16;
  vit.preprocessing.width = 12;
  return vit;
}

VitDescription distilled() {
  VitDescription vit = golden_vit("deit_distilled");
  vit.distillation_token = true;
  return vit;
}

VitDescription beit() { return as_beit(golden_vit("beit")); }

VitDescription eva02() {
  VitDescription vit = golden_vit("eva02");
  vit.rotary = Rotary::grid;
  vit.gated_mlp = vit.mlp_norm = true;
  vit.activation = Activation::silu;
  vit.pooling = Pooling::average;
  vit.fc_norm = true;
  return vit;
}

// An encoder.
VitDescription dinov3() {
  VitDescription vit = golden_vit("dinov3");
  vit.absolute_positions = false;
  vit.rotary = Rotary::centres;
  vit.register_tokens = 2;
  vit.layer_scale = true;
  vit.qkv_bias = false;
  vit.num_classes = 0;
  return vit;
}

VitDescription dinov2_giant() {
  VitDescription vit = golden_vit("dinov2_giant");
  vit.register_tokens = 2;
  vit.bare_registers = true;
  vit.layer_scale = true;
  vit.gated_mlp = true;
  vit.activation = Activation::silu;
  vit.class_and_mean = true;
  return vit;
}

VitDescription clip_tower() {
  VitDescription vit = golden_vit("clip");
  vit.num_classes = 0;
  vit.projection_dim = 20;
  vit.pre_norm = true;
  vit.activation = Activation::quick_gelu;
  return vit;
}

VitDescription siglip_tower() {
  VitDescription vit = golden_vit("siglip");
  vit.num_classes = 0;
  vit.class_token = false;
  vit.pooling = Pooling::attention;
  return vit;
}

// Nine classes by texts.
FloatNetwork zero_shot(const VitDescription& vit, const ZeroShot& rule) {
  VitWeights weights = random_vit_weights(vit, kSeed);
  weights.texts = RandomLayers(kSeed).linear(9, vit.embed_dim);
  weights.zero_shot = rule;
  return build_vit(std::move(weights), {{"logits", "embedding"}, {}}).take();
}

// Maps of height / 4 x width / 4 tokens and of half of it, in windows of 3.
FloatNetwork swin_network(int version, int height, int width) {
  SwinDescription swin;
  swin.architecture = version == 1 ? "swin" : "swin_v2";
  swin.version = version;
  swin.embed_dim = 12;
  swin.stages = {{2, 2, 3}, {1, 3, 3}};
  swin.mlp_ratio = 2;
  swin.num_classes = 7;
  swin.preprocessing.height = height;
  swin.preprocessing.width = width;
  return build_swin(random_swin_weights(swin, kSeed), {{"logits", "features"}, {0}}).take();
}

ConvertOptions bits(int weights, int activations, const std::string& method = "percentile",
                    std::vector<std::string> settings = {}) {
  ConvertOptions options;
  options.method = method;
  options.weight_bits = weights;
  options.activation_bits = activations;
  options.settings = std::move(settings);
  return options;
}

SyntheticPictures golden_calibration(const FloatNetwork& network) {
  return {4, network.preprocessing.height, network.preprocessing.width, 3};
}

// A third of the range has codes.
ActivationScheme with_values_beyond(const ActivationScheme& plain, CodeKind kind, int rows) {
  const double low = plain.grid.lowest(), high = plain.grid.highest(), far = std::max(-low, high);
  ActivationScheme scheme = uniform(uniform_scheme(low / 3, high / 3, 8));
  scheme.kind = kind;
  scheme.side = 5;
  scheme.reach = 1.2 * far;
  if (kind == CodeKind::uniform) return scheme;
  scheme.bits = 4;
  scheme.outlier = far / 3;
  scheme.grid = uniform_scheme(-far / 3, far / 3, 8);
  if (kind == CodeKind::token) {
    scheme.parts.assign(static_cast<std::size_t>(rows), uniform_scheme(low / 3, high / 3, 4));
  }
  if (kind == CodeKind::channel_groups) scheme.parts = {uniform_scheme(low / 3, high / 3, 4), uniform_scheme(-1, 1, 4)};
  if (kind == CodeKind::table) {
    scheme.side = 0;
    scheme.grid = uniform_scheme(low, high, 8);
    for (int code = 0; code < 16; ++code) {
      const auto level = [&](double c) { return (c - 7.5) * std::abs(c - 7.5) * far / 170; };
      scheme.table.levels.push_back(level(code));
      if (code > 0) scheme.table.thresholds.push_back(level(code - 0.5));
    }
  }
  return scheme;
}

// Two blocks, whose layers read every kind of codes beside which values may be kept, and a table with outliers.
GoldenRecipe values_aside() {
  VitDescription vit = golden_vit("vit");
  vit.depth = 2;
  const FloatNetwork network = random_network(vit, kSeed);
  ConvertOptions options = bits(4, 8, "minmax");
  SyntheticPictures pictures = golden_calibration(network);
  Plan plan = choose_plan(network, pictures, options, kSilent).take();
  for (const auto& [name, kind] : {std::pair("blocks.0.attn.qkv.input", CodeKind::uniform),
                                   {"blocks.0.attn.proj.input", CodeKind::token},
                                   {"blocks.0.mlp.fc1.input", CodeKind::dynamic_token},
                                   {"blocks.0.mlp.fc2.input", CodeKind::channel_groups},
                                   {"blocks.1.attn.qkv.input", CodeKind::table},
                                   {"blocks.1.mlp.fc2.input", CodeKind::uniform}}) {
    ActivationScheme& scheme = plan.activations.at(name)[0];
    scheme = with_values_beyond(scheme, kind, vit.tokens());
  }
  options.plan = std::move(plan);
  return {"values_aside_w4a8", network, options};
}

// One block of a ViT by a method whose codes are of its own kind.
GoldenRecipe by_method(const std::string& name, const std::string& method, int weight_bits, int activation_bits,
                       std::vector<std::string> settings = {}) {
  return {name, random_network(golden_vit("vit"), kSeed),
          bits(weight_bits, activation_bits, method, std::move(settings))};
}

}  // namespace

std::vector<GoldenRecipe> golden_recipes() {
  return {
      {"deit_distilled_w8a8", random_network(distilled(), kSeed), bits(8, 8)},
      {"beit_w4a8", random_network(beit(), kSeed), bits(4, 8)},
      {"eva02_w3a8", random_network(eva02(), kSeed), bits(3, 8)},
      {"dinov3_w4a8", random_network(dinov3(), kSeed, {{"embedding", "tokens", "features"}, {}}), bits(4, 8)},
      {"dinov2_giant_w4a4", random_network(dinov2_giant(), kSeed), bits(4, 4)},
      {"clip_w4a8", zero_shot(clip_tower(), {30, {}}), bits(4, 8)},
      {"siglip_w4a8", zero_shot(siglip_tower(), {30, -5.0}), bits(4, 8)},
      {"swin_w4a8", swin_network(1, 24, 24), bits(4, 8)},
      {"swin_padded_w3a4", swin_network(1, 20, 28), bits(3, 4, "igq")},
      {"swin_v2_w4a8", swin_network(2, 20, 28), bits(4, 8)},
      values_aside(),
      by_method("vit_log2_tables_w4a4", "repq", 4, 4, {"base_two=1"}),
      by_method("vit_relative_tables_w4a8", "dopq", 4, 8, {"relative=1", "value_bits=12"}),
      by_method("vit_twin_codes_w4a6", "ptq4vit", 4, 6),
      by_method("vit_coarse_steps_w4a4", "tsptq", 4, 4),
      by_method("vit_tokens_w3a4", "adfq", 3, 4, {"grid_bits=10"}),
      by_method("vit_dynamic_tokens_w2a4", "adfq", 2, 4, {"dynamic=1", "gelu_base=1"}),
      by_method("vit_channel_groups_w4a4", "igq", 4, 4, {"grid_bits=10", "aside=1"}),
  };
}

std::vector<std::uint8_t> made_from(const GoldenRecipe& recipe) {
  SyntheticPictures pictures = golden_calibration(recipe.network);
  Result<Conversion> conversion = convert(recipe.network, pictures, recipe.options, kSilent);
  REQUIRE_MESSAGE(conversion.ok(), recipe.name << ": " << conversion.status().message());
  return conversion.take().file;
}

}  // namespace intvit
