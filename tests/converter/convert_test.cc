// Whole conversions of small random networks: every variant of architecture that the description allows, compared with
// the float network, on every instruction set and thread count.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "converter/convert/convert.h"
#include "converter/convert/trial.h"
#include "converter/families/vit/random_vit.h"
#include "intvit/session.h"
#include "tests/converter/conversion_parts.h"
#include "tests/converter/small_network.h"

using namespace intvit;

namespace {

Conversion must_convert(const FloatNetwork& network, const ConvertOptions& options) {
  const Preprocessing& p = network.preprocessing;
  SyntheticPictures pictures(6, p.height, p.width, 3);
  Result<Conversion> conversion = convert(network, pictures, options, kSilent);
  REQUIRE_MESSAGE(conversion.ok(), conversion.status().message());
  return conversion.take();
}

// At the output that quality is measured at.
double sqnr(const FloatNetwork& network, const ConvertOptions& options) {
  return sqnr_db(must_convert(network, options), network.outputs[network.judged_output()].name);
}

struct Variant {
  const char* name;
  void (*change)(VitDescription&);
};

const Variant kVariants[] = {
    {"plain", [](VitDescription&) {}},
    {"tanh GELU", [](VitDescription& v) { v.activation = Activation::gelu_tanh; }},
    {"quick GELU", [](VitDescription& v) { v.activation = Activation::quick_gelu; }},
    {"ReLU", [](VitDescription& v) { v.activation = Activation::relu; }},
    {"gated MLP", [](VitDescription& v) { v.gated_mlp = true, v.activation = Activation::silu; }},
    {"distilled", [](VitDescription& v) { v.distillation_token = true; }},
    {"class token and mean side by side", [](VitDescription& v) { v.class_and_mean = true, v.register_tokens = 2; }},
    {"registers", [](VitDescription& v) { v.register_tokens = 3; }},
    {"average pooling", [](VitDescription& v) { v.pooling = Pooling::average, v.fc_norm = true; }},
    {"average pooling behind the norm", [](VitDescription& v) { v.pooling = Pooling::average; }},
    {"norm in front of the blocks", [](VitDescription& v) { v.pre_norm = true; }},
    {"no class token",
     [](VitDescription& v) { v.pooling = Pooling::average, v.fc_norm = true, v.class_token = false; }},
    {"odd head size", [](VitDescription& v) { v.embed_dim = 57, v.num_heads = 3, v.mlp_dim = 61; }},
    {"one head", [](VitDescription& v) { v.num_heads = 1; }},
    {"patch 4", [](VitDescription& v) { v.patch_size = 4; }},
    {"large epsilon", [](VitDescription& v) { v.layer_norm_eps = 1e-2; }},
    {"one class", [](VitDescription& v) { v.num_classes = 1; }},
    {"attention pooling",
     [](VitDescription& v) { v.num_classes = 0, v.class_token = false, v.pooling = Pooling::attention; }},
    {"a projection in the place of a head",
     [](VitDescription& v) { v.num_classes = 0, v.projection_dim = 20, v.pre_norm = true, v.fc_norm = true; }},
};

}  // namespace

TEST_CASE("every variant of the architecture is close to float") {
  for (const Variant& variant : kVariants) {
    CAPTURE(std::string(variant.name));
    VitDescription vit = small_vit();
    variant.change(vit);
    const FloatNetwork network = random_network(vit, 7);
    CHECK(sqnr(network, {.method = "minmax", .weight_bits = 8, .plan = {}}) > 28);
    CHECK(sqnr(network, {.method = "percentile", .weight_bits = 8, .plan = {}}) > 24);
    CHECK(sqnr(network, {.method = "percentile", .weight_bits = 4, .plan = {}}) > 5);
  }
}

TEST_CASE("a projection's columns of any scale keep their largest values") {
  VitDescription vit = small_vit();
  vit.num_classes = 0;
  vit.projection_dim = 40;
  FloatNetwork network = random_network(vit, 11);
  FloatLinear& projection = linear_of(network, "head");
  // Multipliers of all sizes between two powers of two, each with results near the largest of all.
  for (int out = 0; out < projection.out; ++out) {
    for (int in = 0; in < projection.in; ++in) {
      float& weight = projection.weight[static_cast<std::size_t>(out * projection.in + in)];
      weight = in < 1 + out ? 1.0f / static_cast<float>(1 + out) : 0.0f;
    }
    projection.bias[static_cast<std::size_t>(out)] = 0;
  }
  for (float& gamma : norm_of(network, "norm").gamma) gamma *= 0.05f;
  for (float& beta : norm_of(network, "norm").beta) beta = 4;
  CHECK(sqnr(network, {.method = "minmax", .weight_bits = 8, .plan = {}}) > 30);
}

TEST_CASE("every method gives the same file twice, on any number of threads") {
  const FloatNetwork network = random_network(small_vit(), 8);
  for (const Method& method : methods()) {
    CAPTURE(method.name);
    for (const int bits : {8, 4}) {
      const ConvertOptions one{.method = std::string(method.name), .weight_bits = bits, .threads = 1, .plan = {}};
      ConvertOptions three = one;
      three.threads = 3;
      CHECK(must_convert(network, one).file == must_convert(network, three).file);
    }
  }
}

TEST_CASE("awkward networks convert without losing anything silently") {
  VitDescription vit = small_vit();
  FloatNetwork network = random_network(vit, 9);
  FloatLayerNorm &norm1 = norm_of(network, "blocks.0.norm1"), &norm2 = norm_of(network, "blocks.0.norm2");
  FloatLinear &qkv = linear_of(network, "blocks.0.attn.qkv"), &fc1 = linear_of(network, "blocks.0.mlp.fc1");
  SUBCASE("dead LayerNorm channels") {
    norm1.gamma[3] = norm2.gamma[5] = 0;
    norm2.beta[5] = 0;
  }
  SUBCASE("a LayerNorm that is all dead") {
    for (float& gamma : norm1.gamma) gamma = 0;
    for (float& beta : norm1.beta) beta = 0;
  }
  SUBCASE("outputs without weights, but with a large bias") {
    for (int i = 0; i < vit.embed_dim; ++i) fc1.weight[static_cast<std::size_t>(i)] = 0;
    fc1.bias[0] = 4;
    for (int i = 0; i < vit.embed_dim; ++i) qkv.weight[static_cast<std::size_t>(i)] = 1e-30f;
    qkv.bias[0] = -2;
  }
  SUBCASE("weights of one sign") {
    for (float& w : linear_of(network, "blocks.0.mlp.fc2").weight) w = std::abs(w);
  }
  SUBCASE("a head that attends to one token") {
    for (int i = 0; i < vit.embed_dim * vit.embed_dim; ++i) qkv.weight[static_cast<std::size_t>(i)] *= 12;
  }
  for (const int bits : {8, 4}) {
    CAPTURE(bits);
    CHECK(sqnr(network, {.method = "percentile", .weight_bits = bits, .plan = {}}) > (bits == 8 ? 20 : 5));
  }
}

TEST_CASE("a converted model gives the same logits on every instruction set, thread count and batch") {
  VitDescription vit = small_vit();
  vit.distillation_token = true;
  const FloatNetwork network = random_network(vit, 10);
  for (const int bits : {8, 4, 3, 2}) {
    const Conversion conversion = must_convert(network, {.method = "minmax", .weight_bits = bits, .plan = {}});
    const auto model = Model::from_memory(conversion.file, "test");
    REQUIRE(model.ok());
    SyntheticPictures pictures(5, vit.preprocessing.height, vit.preprocessing.width, 99);
    const auto logits_of = [&](Isa isa, int threads, int batch) {
      SessionOptions options;
      options.isa = isa;
      options.threads = threads;
      options.batch = batch;
      auto session = Session::create(model.value(), options);
      REQUIRE(session.ok());
      std::vector<std::int32_t> all;
      for (int first = 0; first < pictures.count(); first += batch) {
        const int count = std::min(batch, pictures.count() - first);
        for (int i = 0; i < count; ++i) REQUIRE(pictures.read(first + i, session.value()->picture(i)).ok());
        session.value()->run(count);
        for (int i = 0; i < count; ++i) {
          const auto logits = session.value()->logits(i);
          all.insert(all.end(), logits.begin(), logits.end());
        }
      }
      return all;
    };
    const std::vector<std::int32_t> law = logits_of(Isa::scalar, 1, 1);
    for (const Isa isa : available_isas()) {
      for (const int threads : {1, 2, 3, 7}) {
        for (const int batch : {1, 2, 5}) {
          CAPTURE(isa_name(isa));
          CAPTURE(threads);
          CAPTURE(batch);
          CHECK(logits_of(isa, threads, batch) == law);
        }
      }
    }
  }
}

TEST_CASE("a plan survives JSON, and bad plans are refused with a reason") {
  const FloatNetwork network = random_network(small_vit(), 11);
  const Conversion conversion = must_convert(network, {.method = "percentile", .plan = {}});
  const std::string json = plan_to_json(conversion.plan);
  const Result<Plan> parsed = plan_from_json(json, "test");
  REQUIRE_MESSAGE(parsed.ok(), parsed.status().message());
  CHECK(plan_to_json(parsed.value()) == json);

  for (const char* bad :
       {"", "[]", "{}", "{\"residual_magnitude\": -1}",
        "{\"residual_magnitude\": 1, \"magnitudes\": {}, \"activations\": {\"x\": [{\"bits\": 9}]}, \"weights\": {}}",
        "{\"residual_magnitude\": 1, \"magnitudes\": {}, \"activations\": {}, \"weights\": {\"x\": {\"bits\": 1, "
        "\"range\": \"max\"}}}"}) {
    CAPTURE(bad);
    const Result<Plan> result = plan_from_json(bad, "test");
    CHECK_FALSE(result.ok());
    CHECK(result.status().code() == Code::invalid_argument);
  }

  // A plan without one of its sites is an error that names the site.
  Plan incomplete = parsed.value();
  incomplete.activations.erase("blocks.1.mlp.fc2.input");
  SyntheticPictures pictures(2, 32, 40, 3);
  ConvertOptions options;
  options.plan = incomplete;
  const Result<Conversion> refused = convert(network, pictures, options, kSilent);
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.status().message().find("blocks.1.mlp.fc2.input") != std::string::npos);
}

TEST_CASE("a plan that does not fit is refused before anything is simulated with it") {
  const FloatNetwork network = random_network(small_vit(), 11);
  const Plan fitting = must_convert(network, {.method = "percentile", .plan = {}}).plan;
  const auto complaint = [&](const Plan& plan) {
    SyntheticPictures pictures(2, 32, 40, 3);
    ConvertOptions options;
    options.plan = plan;
    options.sensitivity_pictures = 1;
    const Result<Conversion> refused = convert(network, pictures, options, kSilent);
    REQUIRE_FALSE(refused.ok());
    CHECK(refused.status().code() == Code::invalid_argument);
    return refused.status().message();
  };
  Plan without_layer = fitting;
  without_layer.weights.erase("blocks.0.mlp.fc2");
  CHECK(complaint(without_layer).find("blocks.0.mlp.fc2") != std::string::npos);
  Plan few_tokens = fitting;
  ActivationScheme& scheme = few_tokens.activations.at("blocks.1.attn.qkv.input")[0];
  scheme.kind = CodeKind::token;
  scheme.parts = {scheme.grid};
  CHECK(complaint(few_tokens).find("blocks.1.attn.qkv.input") != std::string::npos);
}

TEST_CASE("a conversion from its own plan, heads equalised, is the same conversion") {
  const FloatNetwork network = random_network(small_vit(), 11);
  const Conversion first =
      must_convert(network, {.method = "dopq", .weight_bits = 4, .activation_bits = 4, .plan = {}});
  const Conversion again =
      must_convert(network, {.method = "dopq", .weight_bits = 4, .activation_bits = 4, .plan = first.plan});
  REQUIRE(first.metadata.at("head_equalisation") == "on");
  Metadata expected = first.metadata;
  expected["method"] = "plan (dopq)";
  CHECK(again.metadata == expected);
  CHECK(sqnr_db(again) == sqnr_db(first));
}

TEST_CASE("what cannot be lowered is refused after a few pictures") {
  class Counted : public SyntheticPictures {
   public:
    using SyntheticPictures::SyntheticPictures;
    Status read(int index, std::uint8_t* pixels) override {
      ++reads;
      return SyntheticPictures::read(index, pixels);
    }
    int reads = 0;
  };
  FloatNetwork network = random_network(small_vit(), 9);
  const Preprocessing& p = network.preprocessing;
  Counted pictures(50, p.height, p.width, 3);
  const PictureRun run{pictures, 1, kSilent};
  CHECK(try_lowering(network, run, {.plan = {}}).ok());
  CHECK(pictures.reads == kTrialPictures);
  // A plan is checked without pictures.
  ConvertOptions planned{.plan = Plan{}};
  CHECK(try_lowering(network, run, planned).code() == Code::invalid_argument);
  CHECK(pictures.reads == kTrialPictures);
  network.outputs.push_back({.name = "query", .kind = PortKind::tokens, .tensor = network.find("blocks.0.attn.query")});
  CHECK(try_lowering(network, run, {.plan = {}}).code() == Code::unsupported);
}

TEST_CASE("networks with layers of zeros convert") {
  FloatNetwork network = random_network(small_vit(), 9);
  const auto clear = [](FloatLinear& layer) {
    std::fill(layer.weight.begin(), layer.weight.end(), 0.0f);
    std::fill(layer.bias.begin(), layer.bias.end(), 0.0f);
  };
  SUBCASE("fc1 of a block") { clear(linear_of(network, "blocks.1.mlp.fc1")); }
  SUBCASE("everything") {
    for (Node& node : network.nodes) {
      if (FloatLinear* layer = node.weights()) clear(*layer);
    }
  }
  for (const int bits : {8, 4}) {
    const Conversion conversion =
        must_convert(network, {.method = "percentile", .weight_bits = bits, .activation_bits = bits, .plan = {}});
    CHECK(conversion.file.size() > 1000);
  }
}
