// Rules for single quantizers: what they match, which wins, what they change.
#include <doctest/doctest.h>

#include "converter/convert/convert.h"
#include "converter/families/vit/random_vit.h"
#include "tests/converter/small_network.h"

using namespace intvit;

TEST_CASE("patterns of --site match whole names") {
  CHECK(matches("blocks.*.mlp.fc2.input", "blocks.11.mlp.fc2.input"));
  CHECK(matches("*", "head"));
  CHECK(matches("**a*b**", "xaxxbbx"));
  CHECK(matches("*.input", "a.input.input"));
  CHECK_FALSE(matches("blocks.*.mlp.fc2", "blocks.1.mlp.fc2.input"));
  CHECK_FALSE(matches("head", "head.input"));
  CHECK_FALSE(matches("", "head"));
  CHECK_FALSE(matches("*a*b", "ab.a"));
}

TEST_CASE("rules of --site are read, or refused by name") {
  const Result<SiteRule> rule = parse_site_rule("*.fc2=bits:6,method:adfq,aside:2,range:max");
  REQUIRE(rule.ok());
  CHECK(rule.value().pattern == "*.fc2");
  CHECK(rule.value().bits == 6);
  CHECK(rule.value().method == "adfq");
  CHECK(rule.value().aside == "2");
  CHECK(rule.value().range == WeightRange::max);
  for (const char* wrong : {"", "=bits:8", "a", "a=", "a=bits", "a=bits:", "a=bits:7", "a=bits:8x", "a=bits:8,bits:8",
                            "a=bits:8,", "a=size:8", "a=method:magic", "a=range:all", "a=aside:"}) {
    CAPTURE(wrong);
    CHECK(parse_site_rule(wrong).status().code() == Code::invalid_argument);
  }
}

TEST_CASE("--site changes what it matches and nothing else, and the last match wins") {
  const FloatNetwork network = random_network(small_vit(), 4);
  SyntheticPictures pictures(3, network.preprocessing.height, network.preprocessing.width, 5);
  ConvertOptions options{.method = "repq", .weight_bits = 4, .activation_bits = 4, .plan = {}};
  const Plan usual = choose_plan(network, pictures, options, kSilent).take();
  options.activation_bits = 8;
  options.equalise_heads = false;
  const Plan eight = choose_plan(network, pictures, options, kSilent).take();
  options.activation_bits = 4;
  options.equalise_heads = true;
  for (const char* text : {"blocks.*.mlp.fc2*=bits:6", "*.fc2=bits:8", "blocks.1.mlp.fc?.input=bits:3",
                           "blocks.1.attn.qkv.input=bits:8"}) {
    options.sites.push_back(parse_site_rule(text).take());
  }
  const Plan plan = choose_plan(network, pictures, options, kSilent).take();
  for (const auto& [site, schemes] : plan.activations) {
    CAPTURE(site);
    const bool ruled = site.ends_with("fc2.input"), whole = site == "blocks.1.attn.qkv.input";
    CHECK(schemes[0].bits == (ruled ? 6 : whole ? 8 : 4));
    if (!ruled && !whole) CHECK(schemes[0].grid.scale == usual.activations.at(site)[0].grid.scale);
  }
  for (const auto& [layer, scheme] : plan.weights) CHECK(scheme.bits == (layer.ends_with("fc2") ? 8 : 4));
  // A site gets what the method gives at those bits, equalisation and all.
  const std::string site = "blocks.1.attn.qkv.input";
  CHECK(plan.activations.at(site)[0].grid.scale == doctest::Approx(eight.activations.at(site)[0].grid.scale));
  CHECK(plan.equalisations.at(site).scale[3] == doctest::Approx(eight.equalisations.at(site).scale[3]));
  CHECK(plan.equalisations.at("blocks.0.attn.qkv.input").scale ==
        usual.equalisations.at("blocks.0.attn.qkv.input").scale);

  options.sites = {parse_site_rule("*.query=bits:8").take()};
  CHECK(check_site_rules(network, options.sites, 4).code() == Code::invalid_argument);
  options.sites = {parse_site_rule("*.input=bits:2").take()};
  CHECK(check_site_rules(network, options.sites, 4).code() == Code::invalid_argument);
  options.sites = {parse_site_rule("head=bits:2").take()};
  CHECK(check_site_rules(network, options.sites, 4).ok());
}
