// The patch embedding of bytes and that of normalised pixels.
#include "converter/float/pixel_normalisation.h"

#include <doctest/doctest.h>

#include <cstddef>
#include <vector>

#include "converter/families/vit/random_vit.h"
#include "tests/converter/checkpoints.h"
#include "tests/converter/network_parts.h"

using namespace intvit;

namespace {

FloatNetwork unevenly_normalised_network() {
  VitDescription vit = checkpoints::tiny_description();
  vit.preprocessing.mean = {0.2, 0.5, 0.7};
  vit.preprocessing.stddev = {0.1, 0.3, 0.6};
  return random_network(vit, 5);
}

double output(const FloatLinear& layer, std::size_t row, const std::vector<double>& input) {
  double sum = layer.bias[row];
  for (std::size_t i = 0; i < input.size(); ++i) sum += layer.weight[row * input.size() + i] * input[i];
  return sum;
}

}  // namespace

TEST_CASE("patch embedding of bytes: the outputs are those of normalised pixels, and there is a way back") {
  const FloatNetwork network = unevenly_normalised_network();
  const Preprocessing& how = network.preprocessing;
  const FloatLinear& layer = linear_of(network, "patch_embed");
  const FloatLinear folded = of_bytes(layer, how), back = of_normalised(folded, how);
  std::vector<double> bytes, normalised;
  for (std::size_t i = 0; i < 48; ++i) {
    bytes.push_back(static_cast<double>((i * 89) % 256));
    normalised.push_back((bytes[i] / 255 - how.mean[i % 3]) / how.stddev[i % 3]);
  }
  for (std::size_t row = 0; row < 16; ++row) {
    const double wanted = output(layer, row, normalised);
    CHECK(output(folded, row, bytes) == doctest::Approx(wanted).epsilon(1e-5));
    CHECK(output(back, row, normalised) == doctest::Approx(wanted).epsilon(1e-5));
  }
}

TEST_CASE("normalised pixels become the bytes they were") {
  const Preprocessing how = unevenly_normalised_network().preprocessing;
  std::vector<float> pixels;
  for (int byte = 0; byte < 256; ++byte) {
    for (std::size_t channel = 0; channel < 3; ++channel) {
      pixels.push_back(static_cast<float>((byte / 255.0 - how.mean[channel]) / how.stddev[channel]));
    }
  }
  restore_bytes(pixels, how);
  for (std::size_t i = 0; i < pixels.size(); ++i) REQUIRE(pixels[i] == static_cast<float>(i / 3));
}
