// Finite weights whose products are not: nothing is converted or measured then, and the place is named.
#include "converter/float/finite.h"

#include <doctest/doctest.h>

#include <limits>
#include <string>
#include <vector>

#include "converter/families/vit/random_vit.h"
#include "tests/converter/small_network.h"

using namespace intvit;

namespace {

FloatNetwork overflowing_network() {
  FloatNetwork network = random_network(small_vit(), 3);
  for (Node& node : network.nodes) {
    if (node.name != "blocks.0.mlp.fc2") continue;
    for (float& weight : node.weights()->weight) weight = std::numeric_limits<float>::max();
  }
  return network;
}

}  // namespace

TEST_CASE("finite: values that overflow are refused, with the first place where they do") {
  const FloatNetwork network = overflowing_network();
  SyntheticPictures pictures(3, 32, 40, 1);
  for (const int threads : {1, 3}) {
    const Result<Calibration> calibration = calibrate(network, {pictures, threads, kSilent});
    REQUIRE(!calibration.ok());
    CHECK(calibration.status().code() == Code::corrupt_file);
    CHECK(calibration.status().message().find("'blocks.0.residual'") != std::string::npos);
  }
  std::vector<std::uint8_t> picture(32 * 40 * 3);
  REQUIRE(pictures.read(0, picture.data()).ok());
  FloatForward forward(network, 1);
  forward.run(picture.data());
  const Status status = check_finite(network, forward, picture.data());
  CHECK(status.code() == Code::corrupt_file);
  CHECK(status.message().find("'blocks.0.residual'") != std::string::npos);

  const FloatNetwork usual = random_network(small_vit(), 3);
  FloatForward usual_forward(usual, 1);
  usual_forward.run(picture.data());
  CHECK(check_finite(usual, usual_forward, picture.data()).ok());
}
