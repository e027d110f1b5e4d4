// Values aside by share: the threshold that leaves so many, and the methods whose knob it is.
#include <doctest/doctest.h>

#include <cmath>
#include <map>
#include <string>
#include <vector>

#include "converter/families/vit/random_vit.h"
#include "converter/methods/method.h"
#include "converter/quantizers/aside.h"
#include "tests/converter/scheme_errors.h"
#include "tests/converter/small_network.h"

using namespace intvit;

namespace {

double share_beyond(const TensorSamples& samples, double threshold) {
  double count = 0, beyond = 0;
  for (const std::vector<float>& picture : samples.pictures) {
    for (const float x : picture) {
      count += 1;
      beyond += std::abs(x) > threshold ? 1 : 0;
    }
  }
  return beyond / count;
}

// Of the inputs of linear layers in blocks that have codes of the kind: by name, what is aside.
std::map<std::string, double> thresholds(const std::string& method, CodeKind kind,
                                         const std::vector<std::string>& settings) {
  const FloatNetwork network = random_network(small_vit(), 71);
  SyntheticPictures pictures(4, 32, 40, 72);
  const PictureRun run{pictures, 1, kSilent};
  const Result<Calibration> calibration = calibrate(network, run);
  REQUIRE(calibration.ok());
  const Result<Plan> plan = make_plan(find_method(method).value(), {network, calibration.value().statistics, 4, 4, run,
                                                                    Knobs::with(method, settings).take()});
  REQUIRE(plan.ok());
  std::map<std::string, double> found;
  for (const auto& [name, schemes] : plan.value().activations) {
    if (schemes[0].kind == kind) found[name] = schemes[0].outlier;
  }
  return found;
}

}  // namespace

TEST_CASE("values aside: the threshold leaves the share that is asked for") {
  const TensorSamples samples = uneven_channels(6, 40, 30, 7);
  CHECK(threshold_aside(samples, 0) == 0);
  for (const double share : {0.001, 0.01, 0.2}) {
    CHECK(share_beyond(samples, threshold_aside(samples, share)) == doctest::Approx(share).epsilon(0.05));
  }
}

TEST_CASE("values aside: the knob of igq and adfq, percent, replaces none and the fixed magnitudes") {
  for (const auto& [name, threshold] : thresholds("igq", CodeKind::channel_groups, {"allocation_pictures=0"})) {
    CAPTURE(name);
    CHECK(threshold == 0);
  }
  const auto fixed = thresholds("adfq", CodeKind::token, {});
  REQUIRE(fixed.size() == 4);
  CHECK(fixed.at("blocks.0.attn.qkv.input") == 3);
  CHECK(fixed.at("blocks.0.mlp.fc1.input") == 5);
  const struct {
    const char* method;
    CodeKind kind;
    std::size_t sites;
  } kMethods[] = {{"igq", CodeKind::channel_groups, 8}, {"adfq", CodeKind::token, 4}};
  for (const auto& [method, kind, sites] : kMethods) {
    std::vector<std::string> few = {"aside=1"}, many = {"aside=4"};
    if (kind == CodeKind::channel_groups) few.push_back("allocation_pictures=0"), many.push_back(few.back());
    const auto of_few = thresholds(method, kind, few), of_many = thresholds(method, kind, many);
    CHECK(of_few.size() == sites);
    for (const auto& [name, threshold] : of_many) {
      CAPTURE(name);
      CHECK(threshold > 0);
      CHECK(threshold < of_few.at(name));
    }
  }
}
