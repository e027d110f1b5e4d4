// All of the converter on an architecture that no family has (toy_network.h): nothing behind the builders may know one.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <string>
#include <vector>

#include "converter/equalise/fold.h"
#include "converter/lower/check_plan.h"
#include "converter/lower/lower.h"
#include "converter/plan/simulate.h"
#include "converter/weights/sequential.h"
#include "tests/converter/conversion_parts.h"
#include "tests/converter/network_parts.h"
#include "tests/converter/small_network.h"
#include "tests/converter/toy_network.h"

using namespace intvit;

namespace {

constexpr int kToyPictures = 6;

SyntheticPictures toy_pictures(int count = kToyPictures) { return {count, 24, 32, 8}; }

Conversion converted_toy(const FloatNetwork& network, ConvertOptions options) {
  SyntheticPictures pictures = toy_pictures();
  Result<Conversion> conversion = convert(network, pictures, options, kSilent);
  REQUIRE_MESSAGE(conversion.ok(), conversion.status().message());
  return conversion.take();
}

// A quantizer for all that has codes, weights for every layer, and magnitudes of what is held in 16 bits.
void check_complete(const FloatNetwork& network, const Plan& plan) {
  for (const Tensor& tensor : network.tensors) {
    CAPTURE(tensor.name);
    CHECK(plan.activations.contains(tensor.name) == has_codes(tensor.role));
    if (!has_codes(tensor.role)) continue;
    CHECK(plan.activations.at(tensor.name).size() ==
          static_cast<std::size_t>(is_per_head(tensor.role) ? tensor.heads : 1));
  }
  std::size_t layers = 0;
  for (const Node& node : network.nodes) layers += node.weights() != nullptr ? 1 : 0;
  CHECK(plan.weights.size() == layers);
}

double simulated_error(const FloatNetwork& network, const Plan& plan) {
  SyntheticPictures pictures = toy_pictures(1);
  std::vector<std::uint8_t> pixels(picture_bytes(network));
  REQUIRE(pictures.read(0, pixels.data()).ok());
  FloatNetwork equalised = network;
  REQUIRE(equalise(plan.equalisations, equalised).ok());
  FloatForward float_forward(network, 1), forward(equalised, 1);
  const std::vector<float> exact = judged_output(float_forward, network, pixels.data());
  const std::vector<float> same = judged_output(forward, equalised, pixels.data());
  PlanSimulator simulator(equalised, plan, 1);
  const std::vector<float> held = judged_output(forward, equalised, pixels.data(), &simulator);
  double power = 0, error = 0;
  for (std::size_t i = 0; i < exact.size(); ++i) {
    CHECK(same[i] == doctest::Approx(exact[i]).epsilon(1e-3));
    power += exact[i] * exact[i];
    error += (held[i] - exact[i]) * (held[i] - exact[i]);
  }
  return std::sqrt(error / power);
}

}  // namespace

TEST_CASE("toy: every method converts it, and both outputs are near the float network") {
  FloatNetwork network = toy_network(11);
  SUBCASE("plain MLPs") {}
  SUBCASE("gated MLPs") { network = gated_toy(11); }
  for (const Method& method : methods()) {
    for (const int bits : {8, 4}) {
      CAPTURE(method.name);
      CAPTURE(bits);
      const Conversion conversion = converted_toy(
          network,
          {.method = std::string(method.name), .weight_bits = bits, .activation_bits = bits, .threads = 2, .plan = {}});
      check_complete(network, conversion.plan);
      SyntheticPictures pictures = toy_pictures();
      const std::vector<double> ports = port_sqnr_db(network, conversion, pictures);
      MESSAGE(std::string(method.name) << " " << bits << " bits: features " << ports[0] << " dB, logits " << ports[1]
                                       << " dB");
      CHECK(ports[0] > (bits == 8 ? 24 : 15));
      CHECK(ports[1] > (bits == 8 ? 19 : 10));
      CHECK(sqnr_db(conversion, "features") == doctest::Approx(ports[0]).epsilon(1e-3));
      CHECK(sqnr_db(conversion, "logits") == doctest::Approx(ports[1]).epsilon(1e-3));
    }
  }
}

TEST_CASE("toy: plans pass through JSON and give the same file again, on any number of threads") {
  FloatNetwork network = toy_network(12);
  SUBCASE("plain MLPs") {}
  SUBCASE("gated MLPs") { network = gated_toy(12); }
  for (const char* method : {"dopq", "tsptq"}) {
    CAPTURE(std::string(method));
    ConvertOptions options{.method = method, .weight_bits = 4, .activation_bits = 4, .plan = {}};
    const Conversion first = converted_toy(network, options);
    const Result<Plan> parsed = plan_from_json(plan_to_json(first.plan), "test");
    REQUIRE(parsed.ok());
    options.threads = 3;
    CHECK(converted_toy(network, options).file == first.file);
    options.plan = parsed.value();
    const Conversion again = converted_toy(network, options);
    CHECK(sqnr_db(again) == sqnr_db(first));
    CHECK(sqnr_db(again, "features") == sqnr_db(first, "features"));
  }
}

TEST_CASE("toy: each stream has a magnitude of its own") {
  FloatNetwork network = toy_network(13);
  for (float& w : linear_of(network, "widen").weight) w *= 30;
  const Conversion conversion = converted_toy(network, {.method = "percentile", .plan = {}});
  const Plan& plan = conversion.plan;
  const auto magnitude = [&](const char* name) {
    return plan.magnitudes.contains(name) ? plan.magnitudes.at(name) : plan.residual_magnitude;
  };
  CHECK(magnitude("widen.residual") > 5 * magnitude("patch_embed.residual"));
  CHECK(sqnr_db(conversion, "features") > 20);
}

TEST_CASE("toy: a stream may be an output and be read by the next stage") {
  FloatNetwork network = toy_network(17);
  network.outputs.push_back({"tokens", PortKind::tokens, tensor_of(network, "stages.0.residual"), 0, 13, 0, 0});
  REQUIRE(check_network(network).ok());
  for (const char* method : {"percentile", "igq", "auto"}) {
    CAPTURE(std::string(method));
    const Conversion conversion =
        converted_toy(network, {.method = method, .weight_bits = 4, .activation_bits = 4, .plan = {}});
    SyntheticPictures pictures = toy_pictures();
    const std::vector<double> ports = port_sqnr_db(network, conversion, pictures);
    MESSAGE(std::string(method) << ": tokens " << ports[2] << " dB");
    CHECK(ports[1] > 10);
    CHECK(ports[2] > 15);
  }
}

TEST_CASE("toy: sensitivity knows every quantizer, those of both stages and between them") {
  FloatNetwork network = toy_network(14);
  SUBCASE("plain MLPs") {}
  SUBCASE("gated MLPs") { network = gated_toy(14); }
  const Conversion conversion =
      converted_toy(network, {.method = "percentile", .feedback = false, .plan = {}, .sensitivity_pictures = 2});
  REQUIRE(conversion.sensitivity);
  CHECK(conversion.sensitivity->pictures == 2);
  std::set<std::string> sites, expected;
  for (const SiteSensitivity& site : conversion.sensitivity->sites) {
    sites.insert(site.site);
    CHECK(std::isfinite(site.accumulated_db));
    CHECK(site.isolated_db > 10);
  }
  for (const Tensor& tensor : network.tensors) {
    if (has_codes(tensor.role) || tensor.role == Role::probabilities) expected.insert(tensor.name);
  }
  CHECK(sites == expected);
  std::vector<std::string> layers, nodes;
  for (const LayerSensitivity& layer : conversion.sensitivity->layers) layers.push_back(layer.layer);
  for (const Node& node : network.nodes) {
    if (node.weights() != nullptr) nodes.push_back(node.name);
  }
  CHECK(layers == nodes);
}

TEST_CASE("toy: auto within a budget narrows the weights of some layers") {
  const FloatNetwork network = toy_network(15);
  const auto of = [&](int weight_bits, Budget budget) {
    return converted_toy(
        network, {.method = "auto", .weight_bits = weight_bits, .feedback = false, .plan = {}, .budget = budget});
  };
  const auto megabytes = [](const Conversion& c) { return static_cast<double>(c.file.size()) / 1e6; };
  const Conversion wide = of(8, {}), narrow = of(4, {});
  const double most = (megabytes(wide) + megabytes(narrow)) / 2;
  const Conversion between = of(8, {.milliseconds = 1e6, .megabytes = most});
  CHECK(megabytes(between) <= most + 0.001);  // the metadata is not budgeted for
  CHECK(megabytes(between) > megabytes(narrow));
  check_complete(network, between.plan);
}

TEST_CASE("toy: an attention with a query of its own has plans and rounded weights, and is near the float network") {
  const FloatNetwork network = attention_pooled_toy(16);
  SyntheticPictures pictures = toy_pictures();
  const PictureRun run{pictures, 2, kSilent};
  const Result<Calibration> calibration = calibrate(network, run);
  REQUIRE(calibration.ok());
  for (const Method& method : methods()) {
    for (const int bits : {8, 4}) {
      CAPTURE(method.name);
      CAPTURE(bits);
      const Knobs knobs(method.name);
      const Result<Plan> plan = make_plan(method, {network, calibration.value().statistics, bits, bits, run, knobs});
      REQUIRE_MESSAGE(plan.ok(), plan.status().message());
      check_complete(network, plan.value());
      const double error = simulated_error(network, plan.value());
      CHECK(std::isfinite(error));
      if (bits == 8 && method.name != "repq") CHECK(error < 0.1);
      FloatNetwork equalised = network;
      REQUIRE(equalise(plan.value().equalisations, equalised).ok());
      const Result<RoundedLayers> rounded = optimise_weights(equalised, plan.value(), run);
      REQUIRE_MESSAGE(rounded.ok(), rounded.status().message());
      for (const char* layer : {"pool.query", "pool.kv", "pool.proj", "widen"}) CHECK(rounded.value().contains(layer));
      const Result<LoweredModel> lowered = lower(equalised, plan.value(), rounded.value());
      CHECK_MESSAGE(lowered.ok(), lowered.status().message());
    }
  }
  const Result<Conversion> conversion = convert(network, pictures, {.method = "percentile", .plan = {}}, kSilent);
  REQUIRE_MESSAGE(conversion.ok(), conversion.status().message());
  for (const double db : port_sqnr_db(network, conversion.value(), pictures)) CHECK(db > 25);
}
