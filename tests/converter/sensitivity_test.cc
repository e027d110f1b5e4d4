// Sensitivity: what single quantizers cost at the logits.
#include "converter/errors/sensitivity.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <vector>

#include "converter/convert/convert.h"
#include "converter/equalise/fold.h"
#include "converter/families/vit/random_vit.h"
#include "converter/float/forward.h"
#include "converter/plan/simulate.h"
#include "converter/report/html_report.h"
#include "tests/converter/small_network.h"

using namespace intvit;

namespace {

constexpr int kMeasuredPictures = 4;

FloatNetwork tiny_network() { return random_network(small_vit(), 21); }

SyntheticPictures pictures() { return {kMeasuredPictures, 32, 40, 5}; }

Conversion must_convert(const std::string& method, int bits, int threads = 1) {
  ConvertOptions options;
  options.method = method;
  options.weight_bits = options.activation_bits = bits;
  options.threads = threads;
  options.feedback = false;
  options.sensitivity_pictures = kMeasuredPictures;
  SyntheticPictures source = pictures();
  Result<Conversion> conversion = convert(tiny_network(), source, options, kSilent);
  REQUIRE_MESSAGE(conversion.ok(), conversion.status().message());
  return conversion.take();
}

// SQNR of the logits with every quantizer of activations that the plan has, at once.
double simulated_db(const Plan& plan) {
  FloatNetwork network = tiny_network();
  REQUIRE(equalise(plan.equalisations, network).ok());
  SyntheticPictures source = pictures();
  std::vector<std::uint8_t> pixels(32 * 40 * 3);
  FloatForward forward(network, 1);
  PlanSimulator simulator(network, plan, 1);
  double signal = 0, noise = 0;
  for (int i = 0; i < kMeasuredPictures; ++i) {
    REQUIRE(source.read(i, pixels.data()).ok());
    const std::vector<float> exact = judged_output(forward, network, pixels.data());
    const std::vector<float> simulated = judged_output(forward, network, pixels.data(), &simulator);
    for (std::size_t c = 0; c < exact.size(); ++c) {
      signal += exact[c] * exact[c];
      noise += (exact[c] - simulated[c]) * (exact[c] - simulated[c]);
    }
  }
  return 10 * std::log10(signal / noise);
}

}  // namespace

TEST_CASE("sensitivity: every site and every layer costs less with 8 bits than with 3") {
  const Conversion eight_bits = must_convert("minmax", 8), three_bits = must_convert("minmax", 3);
  const Sensitivity &eight = *eight_bits.sensitivity, &three = *three_bits.sensitivity;
  REQUIRE(eight.sites.size() == 2 * 8 + 1);  // seven activations and the softmax per block, and the head's input
  REQUIRE(three.sites.size() == eight.sites.size());
  for (std::size_t i = 0; i < eight.sites.size(); ++i) {
    CAPTURE(eight.sites[i].site);
    REQUIRE(eight.sites[i].site == three.sites[i].site);
    if (eight.sites[i].site.find("softmax") == std::string::npos) {
      CHECK(eight.sites[i].isolated_db > three.sites[i].isolated_db + 10);
    }
  }
  REQUIRE(eight.layers.size() == 2 * 4 + 2);
  for (std::size_t i = 0; i < eight.layers.size(); ++i) {
    CAPTURE(eight.layers[i].layer);
    REQUIRE(eight.layers[i].layer == three.layers[i].layer);
    CHECK(eight.layers[i].isolated_db > three.layers[i].isolated_db + 10);
  }
}

TEST_CASE("sensitivity: the first site accumulates itself, the last the whole network, and the way there is downhill") {
  for (const char* method : {"percentile", "repq", "tsptq", "igq"}) {  // repq equalises, tsptq quantizes the stream
    CAPTURE(std::string(method));
    const Conversion conversion = must_convert(method, 4);
    const std::vector<SiteSensitivity>& sites = conversion.sensitivity->sites;
    CHECK(sites.front().accumulated_db == doctest::Approx(sites.front().isolated_db));
    Plan whole = conversion.plan;
    for (const char* block : {"blocks.0", "blocks.1"}) {  // as the runtime does
      whole.softmax.try_emplace(std::string(block) + ".attn.post_softmax");
    }
    CHECK(sites.back().accumulated_db == doctest::Approx(simulated_db(whole)).epsilon(1e-3));
    Plan alone;
    alone.equalisations = whole.equalisations;
    alone.activations["blocks.1.mlp.fc1.input"] = whole.activations.at("blocks.1.mlp.fc1.input");
    const auto site = std::find_if(sites.begin(), sites.end(),
                                   [](const SiteSensitivity& s) { return s.site == "blocks.1.mlp.fc1.input"; });
    REQUIRE(site != sites.end());
    CHECK(site->isolated_db == doctest::Approx(simulated_db(alone)).epsilon(1e-3));
    for (std::size_t i = 1; i < sites.size(); ++i) {
      CAPTURE(sites[i].site);
      // Errors may cancel a little.
      CHECK(sites[i].accumulated_db < sites[i - 1].accumulated_db + 3);
    }
    CHECK(sites.back().accumulated_db < sites.front().accumulated_db);
  }
}

TEST_CASE("sensitivity is the same on any number of threads") {
  CHECK(must_convert("percentile", 4, 1).metadata == must_convert("percentile", 4, 3).metadata);
}

TEST_CASE("sensitivity survives the metadata, damaged lines do not, and the report shows it") {
  const Conversion conversion = must_convert("percentile", 8);
  Metadata metadata = conversion.metadata;
  const std::optional<Sensitivity> read = stored_sensitivity(metadata);
  REQUIRE(read);
  CHECK(read->pictures == kMeasuredPictures);
  REQUIRE(read->sites.size() == conversion.sensitivity->sites.size());
  for (std::size_t i = 0; i < read->sites.size(); ++i) {
    CHECK(read->sites[i].site == conversion.sensitivity->sites[i].site);
    CHECK(std::abs(read->sites[i].isolated_db - conversion.sensitivity->sites[i].isolated_db) < 0.006);
    CHECK(std::abs(read->sites[i].accumulated_db - conversion.sensitivity->sites[i].accumulated_db) < 0.006);
  }
  CHECK(read->layers.size() == conversion.sensitivity->layers.size());
  CHECK(html_report(conversion).find("alone at the output, dB") != std::string::npos);

  metadata["sensitivity_sites"] = "a 1 2\nb 1\nc 1 2 3\nd x 2\n\n e 3 4";
  const std::vector<SiteSensitivity> sites = stored_sensitivity(metadata)->sites;
  REQUIRE(sites.size() == 2);
  CHECK(sites[1].site == "e");
  CHECK(worst_first(sites)[0].site == "a");
  CHECK(worst_first({{"x", 9, 0}, {"y", -1, 0}})[0].site == "y");
  CHECK_FALSE(stored_sensitivity({}));
}
