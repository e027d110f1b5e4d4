// Bits that a value really takes, against a count by hand.
#include "converter/errors/effective_bits.h"

#include <doctest/doctest.h>

#include "converter/convert/convert.h"
#include "converter/families/vit/random_vit.h"
#include "tests/converter/small_network.h"

using namespace intvit;

TEST_CASE("effective bits: codes, and a place and 8 or 16 bits for what is aside") {
  ActivationScheme scheme = uniform(uniform_scheme(-1, 1, 4));
  CHECK(effective_bits(scheme, 0, 192) == 4);
  CHECK(effective_bits(scheme, 0.01, 192) == doctest::Approx(0.99 * 4 + 0.01 * (8 + 8)));
  CHECK(effective_bits(scheme, 0.5, 256) == doctest::Approx(0.5 * 4 + 0.5 * (8 + 8)));
  CHECK(effective_bits(scheme, 0.5, 257) == doctest::Approx(0.5 * 4 + 0.5 * (8 + 9)));
  scheme.grid.bits = 12;
  CHECK(effective_bits(scheme, 0.5, 192) == doctest::Approx(0.5 * 4 + 0.5 * (16 + 8)));
}

TEST_CASE("effective bits: the share that is really aside, and the mean over all values") {
  const FloatNetwork network = random_network(small_vit(), 4);
  SyntheticPictures pictures(3, network.preprocessing.height, network.preprocessing.width, 5);
  const PictureRun run{pictures, 2, kSilent};
  Plan plan = choose_plan(network, pictures,
                          {.method = "minmax", .activation_bits = 4, .equalise_heads = false, .plan = {}}, kSilent)
                  .take();
  CHECK(measure_effective_bits(network, plan, run).value().activations == doctest::Approx(4));
  const std::string site = "blocks.0.mlp.fc2.input";
  plan.activations[site][0].outlier = 1e-9;  // all but zeros
  const Tensor& tensor = network.at(network.find(site));
  const EffectiveBits all = measure_effective_bits(network, plan, run).value();
  REQUIRE(all.aside.size() == 1);
  CHECK(all.aside.at(site) == doctest::Approx(1).epsilon(0.01));
  double values = 0;
  for (const auto& [name, schemes] : plan.activations) {
    const Tensor& other = network.at(network.find(name));
    values += static_cast<double>(other.rows) * other.columns;
  }
  const double own = static_cast<double>(tensor.rows) * tensor.columns / values;
  CHECK(all.activations == doctest::Approx(4 + own * all.aside.at(site) * (8 + 7 - 4)));
  plan.activations[site][0].outlier = 1e9;
  CHECK(measure_effective_bits(network, plan, run).value().activations == doctest::Approx(4));
}
