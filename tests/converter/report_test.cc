// What the report on a conversion measures.
#include <doctest/doctest.h>

#include <algorithm>
#include <string>

#include "converter/convert/convert.h"
#include "converter/errors/site_distribution.h"
#include "converter/errors/site_error.h"
#include "converter/families/vit/random_vit.h"
#include "converter/report/html.h"
#include "tests/converter/small_network.h"

using namespace intvit;

namespace {

constexpr int kReportedPictures = 3;

Conversion reported(const std::string& method, int bits) {
  ConvertOptions options;
  options.method = method;
  options.weight_bits = options.activation_bits = bits;
  options.feedback = false;
  options.equalise_heads = false;
  options.report_pictures = kReportedPictures;
  SyntheticPictures source(kReportedPictures, 32, 40, 5);
  Result<Conversion> conversion = convert(random_network(small_vit(), 21), source, options, kSilent);
  REQUIRE_MESSAGE(conversion.ok(), conversion.status().message());
  return conversion.take();
}

const SiteDistribution& find_site(const Distributions& d, const std::string& name) {
  const auto found =
      std::find_if(d.sites.begin(), d.sites.end(), [&](const SiteDistribution& s) { return s.site == name; });
  REQUIRE_MESSAGE(found != d.sites.end(), name);
  return *found;
}

}  // namespace

TEST_CASE("distributions: even steps lose what the histograms of calibration say") {
  const Conversion conversion = reported("minmax", 4);
  const Distributions& d = *conversion.distributions;
  CHECK(d.pictures == kReportedPictures);
  REQUIRE(d.sites.size() == 2 * 8 + 1);  // seven activations and the softmax per block, and the head's input
  CHECK(d.layers.size() == conversion.plan.weights.size());
  for (const SiteError& error : conversion.site_errors) {
    const SiteDistribution& site = find_site(d, error.site);
    CAPTURE(error.site);
    // Where heads have schemes of their own, the error is the worst head's and the distribution all heads'.
    if (is_per_head(site.role)) {
      CHECK(site.own_db > error.sqnr_db - 0.1);
    } else {
      CHECK(site.own_db == doctest::Approx(error.sqnr_db).epsilon(0.01));
    }
    CHECK(site.before.count() == site.after.count());
    CHECK(site.accumulated_db < site.own_db + 1);
  }
  // Noise of weights and of 16 sites in front is more than the head's own.
  CHECK(d.sites.back().accumulated_db < d.sites.back().own_db - 3);
}

TEST_CASE("distributions: tables, values aside and softmax are measured, and finer steps lose less") {
  for (const std::string method : {"adfq", "igq"}) {
    CAPTURE(method);
    const Conversion three = reported(method, 3), six = reported(method, 6);
    REQUIRE(three.distributions->sites.size() == 2 * 8 + 1);
    double aside = 0;
    for (const SiteDistribution& site : three.distributions->sites) {
      CAPTURE(site.site);
      aside = std::max(aside, site.aside_share);
      CHECK(site.aside_share < 0.2);
      CHECK(site.own_db > 2);
      CHECK(site.own_db < 40);
      // Logarithmic tables get smaller levels from more bits, not finer ones.
      const auto scheme = three.plan.activations.find(site.site);
      if (scheme == three.plan.activations.end() || scheme->second[0].kind == CodeKind::table) continue;
      CHECK(site.own_db < find_site(*six.distributions, site.site).own_db - 3);
    }
    if (method == "adfq") CHECK(aside > 0);
    for (std::size_t i = 0; i < three.distributions->layers.size(); ++i) {
      CHECK(three.distributions->layers[i].db < six.distributions->layers[i].db - 10);
    }
  }
}

TEST_CASE("pages: what is not text, or would be markup, cannot get in") {
  CHECK(html::escape("<a href=\"x\">&'") == "&lt;a href=&quot;x&quot;&gt;&amp;&#39;");
  CHECK(html::escape("Gr\xc3\xbc\xc3\x9f"
                     "e \xe2\x82\xac \xf0\x9f\x98\x80") ==
        "Gr\xc3\xbc\xc3\x9f"
        "e \xe2\x82\xac \xf0\x9f\x98\x80");
  CHECK(html::escape("\xff"
                     "a\xc3") == "?a?");
  CHECK(html::escape("\xc3<") == "?&lt;");
  CHECK(html::escape(std::string("a\0b\x1b", 4)) == "a?b?");
  CHECK(html::decibels(999) == "exact");
}
