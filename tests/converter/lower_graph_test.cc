// Networks that are no plain ViTs: what is lowered of them, and what is refused with a reason.
#include <doctest/doctest.h>

#include <cmath>
#include <functional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "converter/graph/builder.h"
#include "converter/lower/check_plan.h"
#include "converter/lower/lower.h"
#include "tests/converter/conversion_parts.h"
#include "tests/converter/small_network.h"
#include "tests/converter/toy_network.h"

using namespace intvit;

namespace {

class RandomLayers {
 public:
  FloatLinear linear(int out, int in) {
    FloatLinear layer{out, in, {}, {}};
    for (int i = 0; i < out * in; ++i) layer.weight.push_back(normal() / std::sqrt(static_cast<float>(in)));
    for (int i = 0; i < out; ++i) layer.bias.push_back(0.05f * normal());
    return layer;
  }
  LayerNorm norm(int columns, int first_row = 0) {
    LayerNorm norm;
    norm.first_row = first_row;
    for (int i = 0; i < columns; ++i) {
      norm.norm.gamma.push_back(1 + 0.2f * normal());
      norm.norm.beta.push_back(0.1f * normal());
    }
    return norm;
  }
  float normal() { return normal_(random_); }

 private:
  std::mt19937 random_{5};
  std::normal_distribution<float> normal_;
};

// Two stages of 21 and 5 tokens, whose streams a LayerNorm and a linear layer begin, with linear layers behind linear
// layers and means, and logits of what was 16-bit values.
FloatNetwork two_stages() {
  RandomLayers random;
  FloatNetwork frame;
  frame.architecture = "two_stages";
  frame.preprocessing = small_vit().preprocessing;
  GraphBuilder b(frame);
  b.segment("patch_embed", false);
  PatchEmbed embed{8, 1, random.linear(32, 192), std::vector<float>(21 * 32)};
  for (float& value : embed.token_init) value = 0.3f * random.normal();
  TensorId s = b.patch_embed("patch_embed", embed);
  s = b.layer_norm("norm_pre", s, random.norm(32), "norm_pre.residual", Role::residual);
  b.segment("blocks.0", true);
  TensorId x = b.layer_norm("norm1", s, random.norm(32), "attn.qkv.input", Role::linear_input);
  x = b.attention("attn", x, random.linear(96, 32), 2);
  s = b.add_linear("attn.proj", x, s, random.linear(32, 32), "attn.residual");
  x = b.layer_norm("norm2", s, random.norm(32), "fc1.input", Role::linear_input);
  x = b.linear("fc1", x, random.linear(50, 32), "fc2.input", Role::linear_input);
  s = b.add_linear("fc2", x, s, random.linear(32, 50), "blocks.0.residual");
  b.segment("stage", false);
  x = b.layer_norm("down.norm", s, random.norm(32, 1), 20, "down.input", Role::linear_input);
  s = b.linear("down", x, random.linear(48, 4 * 32), "down.residual", Role::residual);
  b.segment("blocks.1", true);
  x = b.layer_norm("norm3", s, random.norm(48), "mlp.fc1.input", Role::linear_input);
  x = b.linear("mlp.fc1", x, random.linear(100, 48), "mlp.fc1.output", Role::activation_input);
  x = b.activate("mlp.act", x, Activation::gelu_erf, "mlp.fc2.input");
  s = b.add_linear("mlp.fc2", x, s, random.linear(48, 100), "blocks.1.residual");
  b.segment("head", false);
  x = b.mean_rows("pool", s, {0, 5}, "fc.input", Role::linear_input);
  x = b.linear("fc", x, random.linear(40, 48), "fc.values", Role::values);
  x = b.layer_norm("norm", x, random.norm(40), "norm.values", Role::values);
  x = b.mean_rows("pool2", x, {0, 1}, "head.input", Role::linear_input);
  x = b.linear("head", x, random.linear(11, 40), "logits", Role::logits);
  b.output({"logits", PortKind::logits, x, 0, 1, 0, 0});
  FloatNetwork network = b.take();
  const Status status = check_network(network);
  REQUIRE_MESSAGE(status.ok(), status.message());
  return network;
}

// Ranges that no value is asked to keep to: for lowerings that nobody runs.
Plan some_plan(const FloatNetwork& network) {
  Plan plan;
  plan.residual_magnitude = 8;
  for (const Tensor& tensor : network.tensors) {
    if (has_codes(tensor.role)) {
      const auto schemes = static_cast<std::size_t>(is_per_head(tensor.role) ? tensor.heads : 1);
      plan.activations[tensor.name] = ActivationSchemes(schemes, uniform(uniform_scheme(-4, 4, 8)));
    }
    if (tensor.role == Role::values || tensor.role == Role::activation_input) plan.magnitudes[tensor.name] = 4;
  }
  for (const Node& node : network.nodes) {
    if (node.weights() != nullptr) plan.weights[node.name] = {};
  }
  return plan;
}

void check_lowering_refused(const FloatNetwork& network, const Plan& plan, const std::string& reason) {
  const Result<LoweredModel> lowered = lower(network, plan);
  REQUIRE_FALSE(lowered.ok());
  CHECK(lowered.status().code() == Code::unsupported);
  CHECK_MESSAGE(lowered.status().message().find(reason) != std::string::npos, lowered.status().message());
}

}  // namespace

TEST_CASE("lower: two stages with streams of their own become one program that is near the float network") {
  const FloatNetwork network = two_stages();
  for (const std::string method : {"minmax", "percentile"}) {
    CAPTURE(method);
    SyntheticPictures pictures(12, 32, 40, 5);
    const ConvertOptions options{.method = method, .feedback = false, .plan = {}};
    const Result<Conversion> conversion = convert(network, pictures, options, kSilent);
    REQUIRE_MESSAGE(conversion.ok(), conversion.status().message());
    MESSAGE(method << ": " << sqnr_db(conversion.value()) << " dB");
    CHECK(sqnr_db(conversion.value()) > 32);
  }
}

TEST_CASE("lower: steps are named after nodes and after the tensors that are encoded") {
  const Result<LoweredModel> lowered = lower(two_stages(), some_plan(two_stages()));
  REQUIRE_MESSAGE(lowered.ok(), lowered.status().message());
  std::vector<std::string> names;
  for (const Step& step : lowered.value().program.steps) names.push_back(step.layer);
  const std::vector<std::string> expected = {"patch_embed", "norm_pre",   "norm1", "attn.qkv",  "attn", "attn.proj",
                                             "norm2",       "fc1",        "fc2",   "down.norm", "down", "norm3",
                                             "mlp.fc1",     "mlp.fc2",    "pool",  "fc.input",  "fc",   "norm",
                                             "pool2",       "head.input", "head"};
  CHECK(names == expected);
}

TEST_CASE("lower: every stream has the unit of its own magnitude") {
  const FloatNetwork network = two_stages();
  const auto token_init_of_magnitude = [&](double magnitude) {
    Plan plan = some_plan(network);
    plan.magnitudes["patch_embed.residual"] = magnitude;
    const Result<LoweredModel> lowered = lower(network, plan);
    REQUIRE_MESSAGE(lowered.ok(), lowered.status().message());
    const Constant& init = lowered.value().program.constants[0];
    REQUIRE(init.name == "token_init");
    return init.as<std::int16_t>()[0];
  };
  const double value = token_init_of(network)[0];
  for (const double magnitude : {2.0, 20.0}) {
    CHECK(token_init_of_magnitude(magnitude) == std::lround(value / (magnitude * 1.5 / 32767)));
  }
}

TEST_CASE("lower: codes behind a linear layer may be of every kind, those behind a mean uniform or of a table") {
  const FloatNetwork network = two_stages();
  const auto of_kind = [](CodeKind kind, int rows) {
    ActivationScheme scheme = uniform(uniform_scheme(-4, 4, 8));
    scheme.kind = kind;
    if (kind == CodeKind::table) scheme.table = {{-1, 0, 2}, {-3, -0.5, 1, 3}};
    if (kind == CodeKind::token) scheme.parts.assign(static_cast<std::size_t>(rows), scheme.grid);
    if (kind == CodeKind::channel_groups) scheme.parts.assign(3, scheme.grid);
    return scheme;
  };
  for (const CodeKind kind :
       {CodeKind::uniform, CodeKind::table, CodeKind::token, CodeKind::dynamic_token, CodeKind::channel_groups}) {
    CAPTURE(static_cast<int>(kind));
    Plan plan = some_plan(network);
    plan.activations["fc2.input"] = {of_kind(kind, 21)};
    CHECK(lower(network, plan).ok());
    plan = some_plan(network);
    plan.activations["fc.input"] = {of_kind(kind, 1)};
    const bool possible = kind == CodeKind::uniform || kind == CodeKind::table;
    CHECK(lower(network, plan).ok() == possible);
    if (!possible) check_lowering_refused(network, plan, "codes of 'fc.input' that are not uniform");
  }
}

TEST_CASE("lower: codes of every kind behind a multiplication") {
  const FloatNetwork network = gated_toy(2);
  const auto steps_with = [&](const ActivationScheme& scheme) {
    Plan plan = some_plan(network);
    plan.activations["stages.0.mlp.fc2.input"] = {scheme};
    const Result<LoweredModel> lowered = lower(network, plan);
    REQUIRE_MESSAGE(lowered.ok(), lowered.status().message());
    std::vector<std::string> names;
    for (const Step& step : lowered.value().program.steps) {
      if (step.layer.starts_with("stages.0.mlp.")) names.push_back(std::string(step.op->name()) + " " + step.layer);
    }
    return names;
  };
  ActivationScheme scheme = uniform(uniform_scheme(-4, 4, 8));
  std::vector<std::string> expected = {"linear stages.0.mlp.fc1", "multiply stages.0.mlp.act",
                                       "linear stages.0.mlp.fc2"};
  CHECK(steps_with(scheme) == expected);
  scheme.kind = CodeKind::dynamic_token;
  expected.insert(expected.begin() + 2, "encode stages.0.mlp.fc2.input");
  CHECK(steps_with(scheme) == expected);
  scheme.kind = CodeKind::channel_groups;
  scheme.parts.assign(3, scheme.grid);
  CHECK(steps_with(scheme) == expected);
  scheme.kind = CodeKind::token;
  scheme.parts.assign(13, scheme.grid);
  CHECK(steps_with(scheme) == expected);
  scheme.kind = CodeKind::table;
  scheme.table = {{-1, 0, 2}, {-3, -0.5, 1, 3}};
  CHECK(steps_with(scheme) == expected);
}

TEST_CASE("lower: what of a multiplication the engine cannot do is refused by name") {
  const FloatNetwork network = gated_toy(3);
  Plan plan = some_plan(network);
  REQUIRE(lower(network, plan).ok());
  // Of a grid far beyond what is multiplied and off centre, the zero point is no bias of products that fine.
  plan.activations["stages.0.mlp.fc2.input"] = {uniform(uniform_scheme(-1e9, 1e9, 8))};
  CHECK(lower(network, plan).ok());
  // Steps finer than those of the products.
  plan.activations["stages.0.mlp.fc2.input"] = {uniform(uniform_scheme(-1e-9, 1e-9, 8))};
  check_lowering_refused(network, plan, "'stages.0.mlp.act' needs a requantization factor");
  for (const char* tensor : {"stages.0.mlp.fc1.gate", "stages.0.mlp.fc1.value", "stages.1.mlp.norm.input"}) {
    plan = some_plan(network);
    plan.magnitudes.erase(tensor);
    const Status status = lower(network, plan).status();
    CHECK(status.code() == Code::invalid_argument);
    CHECK_MESSAGE(status.message().find("magnitude of '" + std::string(tensor) + "'") != std::string::npos,
                  status.message());
  }
  FloatNetwork crossed = network;
  const Node& fc1 = node_of(crossed, "stages.0.mlp.fc1");
  std::swap(crossed.node(crossed.find_node("stages.0.mlp.fc1")).outputs[0],
            crossed.node(crossed.find_node("stages.0.mlp.fc1")).outputs[1]);
  REQUIRE(fc1.outputs[0] == tensor_of(crossed, "stages.0.mlp.fc1.value"));
  check_lowering_refused(crossed, some_plan(crossed), "one result, or query, key, value and values");
}

TEST_CASE("lower: what the engine cannot do is refused by name") {
  const FloatNetwork network = two_stages();
  Plan plan = some_plan(network);
  plan.residuals["norm_pre.residual"] = {8, 0.05, 0, {}};
  check_lowering_refused(network, plan, "steps of the residual stream at 'norm_pre.residual', where it begins");
  plan = some_plan(network);
  plan.activations["down.input"][0].kind = CodeKind::dynamic_token;
  check_lowering_refused(network, plan, "codes of 'down.input' that are not uniform");

  FloatNetwork crossed = network;
  Node& attention = node_of(crossed, "attn");
  std::swap(attention.inputs[0], attention.inputs[1]);
  check_lowering_refused(crossed, some_plan(crossed),
                         "'attn' needs all that one linear layer writes as query, key and value");
}

TEST_CASE("check_plan: what a plan lacks is named") {
  const FloatNetwork network = two_stages();
  const auto lacks = [&](const std::function<void(Plan&)>& change, const std::string& what) {
    Plan plan = some_plan(network);
    REQUIRE(check_plan(network, plan).ok());
    change(plan);
    const Status status = check_plan(network, plan);
    CHECK(status.code() == Code::invalid_argument);
    CHECK_MESSAGE(status.message().find(what) != std::string::npos, status.message());
  };
  lacks([](Plan& p) { p.activations.erase("fc2.input"); }, "no activation 'fc2.input'");
  lacks([](Plan& p) { p.activations["attn.key"].pop_back(); }, "1 schemes for 'attn.key', must be 2");
  lacks([](Plan& p) { p.magnitudes.erase("mlp.fc1.output"); }, "no magnitude of 'mlp.fc1.output'");
  lacks([](Plan& p) { p.magnitudes.erase("fc.values"); }, "no positive magnitude of 'fc.values'");
  lacks([](Plan& p) { p.weights.erase("down"); }, "no weights of 'down'");
  lacks([](Plan& p) { p.residual_magnitude = 0; }, "no positive residual_magnitude");
  lacks([](Plan& p) { p.residuals["fc.values"] = {}; }, "a residual scheme for 'fc.values', which is no residual");
  lacks([](Plan& p) { p.residuals["blocks.1.residual"] = {8, 0.1, 1, {48}}; }, "a coarse channel 48");
}
