// Every kind of Vision Transformer with every kind of output: what the outputs are, in floats and in integers.
#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "converter/families/vit/build_vit.h"
#include "converter/families/vit/random_vit.h"
#include "tests/converter/conversion_parts.h"
#include "tests/converter/float_reference.h"
#include "tests/converter/network_parts.h"
#include "tests/converter/small_network.h"

using namespace intvit;

namespace {

struct VitWithOutputs {
  const char* name;
  void (*change)(VitDescription&);
  OutputChoice outputs;
  std::vector<std::string> expected;  // names of the outputs
};

std::vector<VitWithOutputs> vits_with_outputs() {
  return {
      {"plain", [](VitDescription&) {}, {}, {"logits"}},
      {"norm_pre", [](VitDescription& v) { v.pre_norm = true; }, {{"logits", "tokens"}, {}}, {"logits", "tokens"}},
      {"average pooling behind the norm",
       [](VitDescription& v) { v.pooling = Pooling::average; },
       {{"logits", "embedding"}, {}},
       {"logits", "embedding"}},
      {"average pooling before the norm",
       [](VitDescription& v) { v.pooling = Pooling::average, v.fc_norm = true; },
       {{"logits", "embedding", "tokens", "features"}, {}},
       {"logits", "embedding", "tokens", "features"}},
      {"no head", [](VitDescription& v) { v.num_classes = 0; }, {}, {"embedding", "tokens"}},
      {"no head, average pooling, registers and no class token",
       [](VitDescription& v) {
         v.num_classes = 0, v.pooling = Pooling::average, v.class_token = false, v.register_tokens = 2;
       },
       {},
       {"embedding", "tokens"}},
      {"a classifier with labels, without its logits",
       [](VitDescription& v) { v.labels.assign(11, "name"); },
       {{"embedding", "features"}, {}},
       {"embedding", "features"}},
      {"maps of inner blocks",
       [](VitDescription& v) { v.depth = 3, v.register_tokens = 2; },
       {{"logits", "features"}, {2, 0}},
       {"logits", "features", "features.0", "features.2"}},
      {"maps of inner blocks and nothing else",
       [](VitDescription& v) { v.num_classes = 0; },
       {{"features"}, {0}},
       {"features", "features.0"}},
      {"a head of class token and mean",
       [](VitDescription& v) { v.class_and_mean = true, v.register_tokens = 2; },
       {{"logits", "embedding", "tokens"}, {}},
       {"logits", "embedding", "tokens"}},
      {"distilled",
       [](VitDescription& v) { v.distillation_token = true; },
       {{"logits", "embedding", "features"}, {}},
       {"logits", "embedding", "features"}},
  };
}

VitDescription described(const VitWithOutputs& one) {
  VitDescription vit = small_vit();
  one.change(vit);
  return vit;
}

void check_outputs(const FloatNetwork& network, const VitDescription& vit, const std::vector<std::string>& expected) {
  REQUIRE(network.outputs.size() == expected.size());
  for (std::size_t o = 0; o < expected.size(); ++o) {
    const NetworkOutput& output = network.outputs[o];
    CAPTURE(output.name);
    CHECK(output.name == expected[o]);
    const bool map = output.name.starts_with("features");
    CHECK(output.kind == (output.name == "logits"      ? PortKind::logits
                          : output.name == "embedding" ? PortKind::embedding
                          : map                        ? PortKind::features
                                                       : PortKind::tokens));
    CHECK(output.rows == (map ? 20 : output.name == "tokens" ? vit.tokens() : 1));
    CHECK(output.first_row == (map ? vit.prefix_tokens() : 0));
    CHECK(output.grid_height == (map ? 4 : 0));
    CHECK(output.grid_width == (map ? 5 : 0));
    CHECK(network.at(output.tensor).columns == (output.name == "logits" ? 11 : 48));
  }
}

// The row that stands for the picture, from the tokens behind the last block, by what timm does.
float_reference::Row pooled_by_hand(const float_reference::Reference& reference, const FloatNetwork& network,
                                    const VitDescription& vit, const FloatLayerNorm& norm) {
  using namespace float_reference;
  const Rows& stream = reference.at(tensor_of(network, "blocks." + std::to_string(vit.depth - 1) + ".residual"));
  Row mean(48, 0.0);
  const auto add = [&](const Row& row, double share) {
    for (std::size_t i = 0; i < mean.size(); ++i) mean[i] += share * row[i];
  };
  if (vit.pooling == Pooling::token) {
    const int tokens = vit.distillation_token ? 2 : 1;
    for (int t = 0; t < tokens; ++t) add(layer_norm(norm, vit.layer_norm_eps, stream[t]), 1.0 / tokens);
    return mean;
  }
  for (int t = vit.prefix_tokens(); t < vit.tokens(); ++t) {
    add(vit.fc_norm ? stream[t] : layer_norm(norm, vit.layer_norm_eps, stream[t]), 1.0 / vit.patches());
  }
  return vit.fc_norm ? layer_norm(norm, vit.layer_norm_eps, mean) : mean;
}

}  // namespace

TEST_CASE("outputs of ViTs: names, shapes and values of the float network") {
  for (const VitWithOutputs& one : vits_with_outputs()) {
    CAPTURE(std::string(one.name));
    const VitDescription vit = described(one);
    const VitWeights weights = float_reference::random_weights(vit, 5);
    const FloatNetwork network = build_vit(weights, one.outputs).take();
    check_outputs(network, vit, one.expected);
    std::mt19937 random(9);
    std::vector<std::uint8_t> picture(picture_bytes(network));
    for (std::uint8_t& pixel : picture) pixel = static_cast<std::uint8_t>(random());
    FloatForward forward(network, 2);
    forward.run(picture.data());
    const float_reference::Reference reference(network, picture.data());
    const float_reference::Row pooled = pooled_by_hand(reference, network, vit, weights.norm);
    for (std::size_t o = 0; o < network.outputs.size(); ++o) {
      CAPTURE(network.outputs[o].name);
      const auto values = forward.output(o);
      const float_reference::Row expected = reference.output(o);
      REQUIRE(values.size() == expected.size());
      double largest = 0, difference = 0;
      for (std::size_t i = 0; i < expected.size(); ++i) {
        largest = std::max(largest, std::abs(expected[i]));
        difference = std::max(difference, std::abs(values[i] - expected[i]));
      }
      CHECK(largest > 0.1);
      CHECK(difference <= 1e-4 * largest);
      if (network.outputs[o].name == "embedding") {
        for (std::size_t i = 0; i < pooled.size(); ++i) CHECK(expected[i] == doctest::Approx(pooled[i]));
      }
    }
    // A distilled head reads both tokens side by side, so it is no function of their mean.
    if (network.classes() > 0 && !vit.distillation_token) {
      float_reference::Row read = pooled;
      if (vit.class_and_mean) {
        VitDescription other = vit;
        other.pooling = Pooling::average;
        const float_reference::Row mean = pooled_by_hand(reference, network, other, weights.norm);
        read.insert(read.end(), mean.begin(), mean.end());
      }
      const float_reference::Row logits = float_reference::linear(weights.head, read);
      for (std::size_t i = 0; i < logits.size(); ++i) CHECK(reference.output(0)[i] == doctest::Approx(logits[i]));
    }
  }
}

TEST_CASE("outputs of ViTs: maps are the patches behind the final norm, also those of inner blocks") {
  VitDescription vit = small_vit();
  vit.depth = 3;
  vit.register_tokens = 2;
  const VitWeights weights = float_reference::random_weights(vit, 6);
  const FloatNetwork network = build_vit(weights, {{"features", "tokens"}, {1}}).take();
  const std::vector<std::uint8_t> picture(picture_bytes(network), 77);
  const float_reference::Reference reference(network, picture.data());
  const auto normed = [&](const char* stream) {
    float_reference::Row all;
    for (int t = 3; t < 23; ++t) {
      const auto row =
          float_reference::layer_norm(weights.norm, vit.layer_norm_eps, reference.at(tensor_of(network, stream))[t]);
      all.insert(all.end(), row.begin(), row.end());
    }
    return all;
  };
  CHECK(network.outputs[0].name == "tokens");
  CHECK(reference.output(1) == normed("blocks.2.residual"));
  CHECK(reference.output(2) == normed("blocks.1.residual"));
}

TEST_CASE("outputs of ViTs: what a network has not is refused, naming what it has") {
  const auto complaint = [](const VitDescription& vit, const OutputChoice& outputs, Code code) {
    const Result<FloatNetwork> network = build_vit(random_vit_weights(vit, 1), outputs);
    REQUIRE_FALSE(network.ok());
    CHECK(network.status().code() == code);
    return network.status().message();
  };
  VitDescription vit = small_vit();
  CHECK(complaint(vit, {{"depth"}, {}}, Code::invalid_argument).find("'depth'; it has logits, embedding") !=
        std::string::npos);
  CHECK(complaint(vit, {{}, {2}}, Code::invalid_argument).find("no block 2; its blocks are 0 to 1") !=
        std::string::npos);
  CHECK(complaint(vit, {{}, {-1}}, Code::invalid_argument).find("no block -1") != std::string::npos);
  vit.num_classes = 0;
  CHECK(complaint(vit, {{"logits"}, {}}, Code::invalid_argument).find("'logits'; it has embedding") !=
        std::string::npos);
  vit.pooling = Pooling::average;
  vit.fc_norm = true;
  CHECK(complaint(vit, {{}, {0}}, Code::unsupported).find("fc_norm") != std::string::npos);
}

TEST_CASE("outputs of ViTs: integers are near the float network at every output") {
  for (const VitWithOutputs& one : vits_with_outputs()) {
    CAPTURE(std::string(one.name));
    const FloatNetwork network = random_network(described(one), 7, one.outputs);
    const Preprocessing& input = network.preprocessing;
    SyntheticPictures pictures(6, input.height, input.width, 3), others(4, input.height, input.width, 123);
    const Result<Conversion> conversion = convert(network, pictures, {.method = "percentile", .plan = {}}, kSilent);
    REQUIRE_MESSAGE(conversion.ok(), conversion.status().message());
    const std::vector<double> seen = port_sqnr_db(network, conversion.value(), pictures);
    const std::vector<double> unseen = port_sqnr_db(network, conversion.value(), others);
    for (std::size_t o = 0; o < seen.size(); ++o) {
      const std::string& output = network.outputs[o].name;
      CAPTURE(output);
      MESSAGE(std::string(one.name) << ", " << output << ": " << seen[o] << " dB, of other pictures " << unseen[o]);
      CHECK(seen[o] > 30);
      CHECK(unseen[o] > 16);
      CHECK(sqnr_db(conversion.value(), output) == doctest::Approx(seen[o]).epsilon(1e-3));
    }
  }
}

TEST_CASE("outputs of ViTs: every method converts a norm in front of the blocks and a network without a head") {
  VitDescription pre = small_vit(), encoder = small_vit();
  pre.pre_norm = true;
  encoder.num_classes = 0;
  encoder.pooling = Pooling::average;
  const FloatNetwork networks[] = {random_network(pre, 8, {{"logits", "tokens"}, {}}),
                                   random_network(encoder, 8, {{"embedding"}, {0}})};
  for (const Method& method : methods()) {
    for (const FloatNetwork& network : networks) {
      CAPTURE(method.name);
      CAPTURE(network.outputs[0].name);
      SyntheticPictures pictures(4, 32, 40, 3);
      const Result<Conversion> conversion = convert(network, pictures,
                                                    {.method = std::string(method.name),
                                                     .weight_bits = 4,
                                                     .activation_bits = 4,
                                                     .threads = 2,
                                                     .plan = {},
                                                     .sensitivity_pictures = 1},
                                                    kSilent);
      CHECK_MESSAGE(conversion.ok(), conversion.status().message());
      if (!conversion.ok()) continue;
      const std::vector<double> ports = port_sqnr_db(network, conversion.value(), pictures);
      MESSAGE(std::string(method.name) << ", " << network.outputs[0].name << ": " << ports[0] << " dB, "
                                       << network.outputs[1].name << ": " << ports[1]);
      CHECK(ports[0] > 10);
      CHECK(ports[1] > 13);
      for (const SiteSensitivity& site : conversion.value().sensitivity->sites) CHECK(std::isfinite(site.isolated_db));
    }
  }
}
