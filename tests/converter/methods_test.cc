// The methods: their knobs, and the plans they make of a network.
#include "converter/methods/method.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "converter/equalise/fold.h"
#include "converter/families/vit/random_vit.h"
#include "converter/observe/calibrate.h"
#include "converter/plan/simulate.h"
#include "tests/converter/small_network.h"

using namespace intvit;

namespace {

std::vector<float> logits_of(const FloatNetwork& network, std::uint64_t seed, Observer* observer = nullptr) {
  const Preprocessing& p = network.preprocessing;
  SyntheticPictures pictures(1, p.height, p.width, seed);
  std::vector<std::uint8_t> pixels(picture_bytes(network));
  REQUIRE(pictures.read(0, pixels.data()).ok());
  FloatForward forward(network, 1);
  return judged_output(forward, network, pixels.data(), observer);
}

double largest_difference(const std::vector<float>& a, const std::vector<float>& b) {
  double largest = 0;
  for (std::size_t i = 0; i < a.size(); ++i) largest = std::max<double>(largest, std::abs(a[i] - b[i]));
  return largest;
}

}  // namespace

TEST_CASE("knobs: defaults, settings, and clear errors") {
  for (const Method& method : methods()) {
    const Knobs defaults(method.name);
    for (const Knob& knob : knobs_of(method.name)) {
      CHECK(defaults.get(knob.name) == knob.initial);
      CHECK(knob.lowest <= knob.initial);
      CHECK(knob.initial <= knob.highest);
    }
  }
  const auto set = [](std::vector<std::string> settings) { return Knobs::with("dopq", settings); };
  REQUIRE(set({"centroid=0", "value_bits=10"}).ok());
  CHECK(set({"centroid=0", "value_bits=10"}).value().get("value_bits") == 10);
  CHECK_FALSE(set({"centroid=0"}).value().on("centroid"));
  for (const char* wrong : {"centroid", "nothing=1", "centroid=", "centroid=x", "centroid=2", "centroid=nan", "=1"}) {
    CAPTURE(wrong);
    const auto result = set({wrong});
    REQUIRE_FALSE(result.ok());
    CHECK(result.status().message().find("value_bits (0..12)") != std::string::npos);
  }
}

TEST_CASE("every method's plan survives JSON, equalises the network without changing it, and can be simulated") {
  FloatNetwork network = random_network(small_vit(), 21);
  // Awkward channels: no gain, with and without an offset, and outliers.
  norm_of(network, "blocks.0.norm1").gamma[3] = norm_of(network, "blocks.0.norm2").gamma[5] = 0;
  norm_of(network, "blocks.0.norm1").beta[3] = 2;
  norm_of(network, "blocks.0.norm2").beta[5] = 0;
  norm_of(network, "blocks.1.norm1").gamma[7] = 30;
  SyntheticPictures pictures(3, 32, 32, 1);
  const Progress progress = [](const std::string&, int, int) {};
  const Result<Calibration> calibration = calibrate(network, {pictures, 1, progress});
  REQUIRE(calibration.ok());
  // One of the pictures of calibration, of which there are too few to tell the ranges of others.
  const std::vector<float> exact = logits_of(network, 1);
  double power = 0;
  for (const float logit : exact) power = std::max<double>(power, std::abs(logit));
  for (const Method& method : methods()) {
    const Knobs knobs(method.name);
    for (const int bits : {8, 6, 4, 3}) {
      CAPTURE(method.name);
      CAPTURE(bits);
      const auto plan =
          make_plan(method, {network, calibration.value().statistics, bits, bits, {pictures, 1, progress}, knobs});
      REQUIRE(plan.ok());
      const std::string text = plan_to_json(plan.value());
      const Result<Plan> again = plan_from_json(text, "test");
      REQUIRE_MESSAGE(again.ok(), again.status().message());
      CHECK(plan_to_json(again.value()) == text);
      for (const auto& [name, schemes] : plan.value().activations) {
        for (const ActivationScheme& scheme : schemes) CHECK(scheme.bits <= bits);
      }
      FloatNetwork equalised = network;
      REQUIRE(equalise(plan.value().equalisations, equalised).ok());
      CHECK(largest_difference(logits_of(equalised, 1), exact) < 1e-3 * power);
      PlanSimulator simulator(network, plan.value(), 1);
      const double error = largest_difference(logits_of(equalised, 1, &simulator), exact);
      CHECK(std::isfinite(error));
      // RepQ-ViT's levels of softmax outputs are half an octave apart, whatever the bits.
      if (bits == 8 && method.name != "repq") CHECK(error < 0.3 * power);
    }
  }
}
