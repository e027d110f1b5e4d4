// The side path: values beyond a narrow grid, in plans, in their simulation, in integers, and what it is for.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "converter/convert/convert.h"
#include "converter/families/vit/random_vit.h"
#include "converter/lower/check_plan.h"
#include "converter/lower/encoding.h"
#include "converter/plan/simulate.h"
#include "intvit/model.h"
#include "tests/converter/conversion_parts.h"
#include "tests/converter/run_encoding.h"
#include "tests/converter/small_network.h"

namespace intvit {
namespace {

// Rows of a body of about 1 with a few values up to 100 times as large.
std::vector<float> rows_with_outliers(int rows, int cols, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> body(0, 1);
  std::uniform_real_distribution<float> times(5, 100);
  std::vector<float> x;
  for (int i = 0; i < rows * cols; ++i) x.push_back(body(random) * (random() % 30 == 0 ? times(random) : 1.0f));
  return x;
}

std::vector<ActivationScheme> schemes_with_side(int rows, int bits) {
  ActivationScheme plain = uniform(uniform_scheme(-2, 3, bits));
  plain.side = 5;
  plain.reach = 350;
  ActivationScheme dynamic = plain;
  dynamic.kind = CodeKind::dynamic_token;
  dynamic.grid = uniform_scheme(-2, 2.5, 8);
  dynamic.outlier = 2.25;
  ActivationScheme token = dynamic, groups = dynamic;
  token.kind = CodeKind::token;
  token.parts.assign(static_cast<std::size_t>(rows), uniform_scheme(-2, 2.5, bits));
  groups.kind = CodeKind::channel_groups;
  groups.parts = {uniform_scheme(-2, 2.5, bits), uniform_scheme(-1, 1, bits)};
  groups.side = 255;
  return {plain, dynamic, token, groups};
}

// A value is rounded to its unit, which is half a step for 8 bits, and then to a step: it may be one away.
TEST_CASE("side path: integers are the simulation") {
  constexpr int kRows = 40, kCols = 70;
  for (const int bits : {4, 6, 8}) {
    for (const ActivationScheme& scheme : schemes_with_side(kRows, bits)) {
      const std::vector<float> x = rows_with_outliers(kRows, kCols, static_cast<unsigned>(bits));
      const Result<FineUnit> unit = fine_unit(scheme, 0);
      REQUIRE(unit.ok());
      const Result<Encoding> encoding = make_encoding(scheme, unit.value());
      REQUIRE_MESSAGE(encoding.ok(), encoding.status().message());
      std::vector<std::int16_t> in_units;
      for (const float value : x) {
        in_units.push_back(
            static_cast<std::int16_t>(std::clamp(std::round(value / unit.value().unit), -32768.0, 32767.0)));
      }
      const Encoded got = run_encoding(encoding.value(), in_units, kRows, kCols);
      std::vector<float> held = x;
      simulate(scheme, held.data(), kRows, kCols, kCols);
      int beyond = 0, wrong = 0, far = 0;
      for (std::size_t i = 0; i < x.size(); ++i) {
        const double steps = held[i] / scheme.grid.scale,
                     off = std::abs(got.values[i] - scheme.grid.zero_point - steps);
        const double code = scheme.kind == CodeKind::uniform ? 1 : 2 + 6 / scheme.grid.scale / ((1 << bits) - 1);
        beyond += std::abs(steps) > scheme.grid.highest_code();
        wrong += off > 0.5;
        far += off > code + 0.01;
      }
      CAPTURE(bits);
      CAPTURE(static_cast<int>(scheme.kind));
      CHECK(beyond > 40);
      CHECK(wrong < kRows * kCols / 3);
      CHECK(far <= (scheme.side < 255 ? 4 : 0));  // values of about the same excess, of which one has a place
    }
  }
}

TEST_CASE("side path: a row keeps the largest excesses, of equal ones those before") {
  ActivationScheme scheme = uniform({4, 1, 8});  // -8 to 7
  scheme.side = 2;
  std::vector<float> row = {10, -40.4f, 7, 10, 12, -12, 3};
  simulate(scheme, row.data(), 1, 7, 7);
  CHECK(row == std::vector<float>{7, -40, 7, 7, 12, -8, 3});  // excesses 3, -32, 0, 3, 5, -4, 0
  row = {9, -10, 9, 9, 0, 0, 0};
  simulate(scheme, row.data(), 1, 7, 7);
  CHECK(row == std::vector<float>{9, -10, 7, 7, 0, 0, 0});  // excesses of 2
}

// As a tensor that a plan must name.
Plan plan_of(const FloatNetwork& network, const std::string& method, int bits) {
  SyntheticPictures pictures(4, network.preprocessing.height, network.preprocessing.width, 5);
  const Result<Conversion> made =
      convert(network, pictures,
              {.method = method, .weight_bits = 8, .activation_bits = bits, .feedback = false, .plan = {}}, kSilent);
  REQUIRE_MESSAGE(made.ok(), made.status().message());
  return made.value().plan;
}

TEST_CASE("side path: a plan survives JSON, and says what cannot be") {
  const FloatNetwork network = random_network(small_vit(), 3);
  Plan plan = plan_of(network, "minmax", 8);
  const std::string name = "blocks.0.attn.qkv.input";
  ActivationScheme& scheme = plan.activations.at(name)[0];
  for (const ActivationScheme& other : schemes_with_side(network.at(network.find(name)).rows, 4)) {
    scheme = other;
    CHECK(check_plan(network, plan).ok());
    const Result<Plan> again = plan_from_json(plan_to_json(plan), "plan");
    REQUIRE_MESSAGE(again.ok(), again.status().message());
    const ActivationScheme& read = again.value().activations.at(name)[0];
    CHECK(read.side == scheme.side);
    CHECK(read.reach == scheme.reach);
    CHECK(plan_to_json(again.value()) == plan_to_json(plan));
    const auto refused = [&](const std::string& why) {
      const Status status = check_plan(network, plan);
      CHECK_MESSAGE(status.message().find(why) != std::string::npos, status.message());
    };
    if (scheme.kind != CodeKind::uniform) {
      scheme.outlier = 0;
      refused("a side path without 'outlier' at 'blocks.0.attn.qkv.input'");
      scheme.outlier = 1;
    }
    scheme.grid.bits = 12;
    refused("a side path beside a grid of 12 bits at 'blocks.0.attn.qkv.input'");
  }
  scheme.kind = CodeKind::table;
  CHECK(check_plan(network, plan).message().find("a side path beside a table") != std::string::npos);
  plan = plan_of(network, "minmax", 8);
  plan.activations.at("head.input")[0].side = 3;
  CHECK(check_plan(network, plan).message().find("a side path at 'head.input'; this version") != std::string::npos);
  std::string text = plan_to_json(plan);
  text.replace(text.find("\"side\": 3"), 9, "\"side\": 256");
  CHECK(!plan_from_json(text, "plan").ok());
}

// Every value of every linear layer's input.
struct Seen : Observer {
  explicit Seen(const FloatNetwork& of) : network(of) {}
  void on_activation(TensorId tensor, float* data, int rows, int columns) override {
    if (network.at(tensor).role != Role::linear_input) return;
    std::vector<float>& all = values[network.at(tensor).name];
    all.insert(all.end(), data, data + static_cast<std::ptrdiff_t>(rows) * columns);
  }
  const FloatNetwork& network;
  std::map<std::string, std::vector<float>> values;
};

// Massive activations as in large networks, 50 to 100 times the body: tokens with one huge channel, whose others become
// small, and channels with a gain of 30 times the others', which weights take back.
FloatNetwork network_with_massive_activations() {
  VitDescription vit = small_vit();
  vit.embed_dim = 96;
  vit.mlp_dim = 200;
  FloatNetwork network = random_network(vit, 21);
  std::vector<float>& init = token_init_of(network);
  const auto columns = static_cast<std::size_t>(vit.embed_dim);
  for (const std::size_t token : {3, 11}) init[token * columns + 7] += 40;
  for (const auto& [norm, linear] : {std::pair("norm1", "attn.qkv"), std::pair("norm2", "mlp.fc1")}) {
    for (const std::string block : {"blocks.0.", "blocks.1."}) {
      FloatLayerNorm& n = norm_of(network, block + norm);
      FloatLinear& l = linear_of(network, block + linear);
      for (const std::size_t channel : {std::size_t{7}, std::size_t{30}}) {
        const float gain = channel == 7 ? 8 : 30;
        n.gamma[channel] *= gain;
        n.beta[channel] *= gain;
        for (int out = 0; out < l.out; ++out) l.weight[static_cast<std::size_t>(out * l.in) + channel] /= gain;
      }
    }
  }
  return network;
}

// Of LayerNorms' results that qkv and fc1 read; all else as the plan has it.
struct GridPlans {
  Plan common, side;
};

GridPlans plans_for(const FloatNetwork& network, int bits, CodeKind kind) {
  GridPlans plans;
  plans.common = plans.side = plan_of(network, "minmax", bits);
  Seen seen(network);
  SyntheticPictures pictures(8, network.preprocessing.height, network.preprocessing.width, 5);
  std::vector<std::uint8_t> pixels(picture_bytes(network));
  FloatForward forward(network, 1);
  for (int i = 0; i < 8; ++i) {
    REQUIRE(pictures.read(i, pixels.data()).ok());
    judged_output(forward, network, pixels.data(), &seen);
  }
  for (const std::string name :
       {"blocks.0.attn.qkv.input", "blocks.0.mlp.fc1.input", "blocks.1.attn.qkv.input", "blocks.1.mlp.fc1.input"}) {
    std::vector<float>& x = seen.values.at(name);
    std::sort(x.begin(), x.end());
    const auto quantile = [&](double q) { return x[static_cast<std::size_t>(q * static_cast<double>(x.size() - 1))]; };
    const double low = quantile(0.02), high = quantile(0.98), tau = std::max(-low, high);
    const double farthest = std::max<double>(-x.front(), x.back());
    CHECK(farthest > 25 * tau);
    const int grid_bits = kind == CodeKind::uniform ? bits : 8;
    ActivationScheme scheme = uniform(uniform_scheme(x.front(), x.back(), grid_bits));
    scheme.kind = kind;
    scheme.bits = bits;
    if (kind != CodeKind::uniform) scheme.outlier = tau;
    plans.common.activations.at(name) = {scheme};
    scheme.grid =
        uniform_scheme(kind == CodeKind::uniform ? low : -tau, kind == CodeKind::uniform ? high : tau, grid_bits);
    scheme.side = 8;
    scheme.reach = 1.1 * farthest;
    plans.side.activations.at(name) = {scheme};
  }
  return plans;
}

TEST_CASE("side path: with massive activations it loses 3 dB less at the logits than a grid that reaches them") {
  const FloatNetwork network = network_with_massive_activations();
  for (const CodeKind kind : {CodeKind::uniform, CodeKind::dynamic_token}) {
    for (const int bits : {8, 6, 4}) {
      const GridPlans plans = plans_for(network, bits, kind);
      const auto db = [&](Plan plan) {
        for (auto& [name, scheme] : plan.weights) scheme.bits = bits;
        SyntheticPictures pictures(8, network.preprocessing.height, network.preprocessing.width, 5);
        const Result<Conversion> conversion =
            convert(network, pictures, {.weight_bits = bits, .activation_bits = bits, .plan = plan}, kSilent);
        REQUIRE_MESSAGE(conversion.ok(), conversion.status().message());
        return sqnr_db(conversion.value());
      };
      const double common = db(plans.common), side = db(plans.side);
      MESSAGE("W" << bits << "A" << bits
                  << std::string(kind == CodeKind::uniform ? ", plain codes" : ", dynamic tokens") << ": common grid "
                  << common << " dB, side path " << side << " dB");
      // The grid of tokens has 8 bits at every width, and at 4 bits all other codes lose more than it does.
      CHECK(side > common + (kind == CodeKind::dynamic_token && bits == 4 ? 1 : 3));
    }
  }
}

}  // namespace
}  // namespace intvit
