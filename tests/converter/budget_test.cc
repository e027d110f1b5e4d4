// auto within a budget: sizes, refusals, and that a budget which asks for nothing changes nothing. No test depends on
// how fast the machine is.
#include <doctest/doctest.h>

#include <set>

#include "converter/convert/convert.h"
#include "converter/families/vit/random_vit.h"
#include "tests/converter/conversion_parts.h"
#include "tests/converter/small_network.h"

using namespace intvit;

namespace {

Result<Conversion> convert_within(int weight_bits, int activation_bits, Budget budget, const char* method = "auto") {
  SyntheticPictures pictures(4, 32, 40, 3);
  ConvertOptions options;
  options.method = method;
  options.weight_bits = weight_bits;
  options.activation_bits = activation_bits;
  options.feedback = false;
  options.budget = budget;
  return convert(random_network(small_vit(), 12), pictures, options, kSilent);
}

double megabytes(const Conversion& conversion) { return static_cast<double>(conversion.file.size()) / 1e6; }

}  // namespace

TEST_CASE("a budget of megabytes narrows the weights of some layers, and no more than it must") {
  const Result<Conversion> wide = convert_within(8, 8, {}), narrow = convert_within(4, 8, {});
  REQUIRE(wide.ok());
  REQUIRE(narrow.ok());
  const double most = (megabytes(wide.value()) + megabytes(narrow.value())) / 2;
  const Result<Conversion> between = convert_within(8, 8, {.megabytes = most});
  REQUIRE_MESSAGE(between.ok(), between.status().message());
  CHECK(megabytes(between.value()) <= most);
  CHECK(megabytes(between.value()) > megabytes(narrow.value()));
  std::set<int> bits;
  for (const auto& [layer, scheme] : between.value().plan.weights) bits.insert(scheme.bits);
  CHECK(bits == std::set<int>{4, 8});
  CHECK(sqnr_db(between.value()) > sqnr_db(narrow.value()));
  CHECK(between.value().metadata.contains("max_mb"));
}

TEST_CASE("a budget that cannot be kept is refused, naming the limit and what there is") {
  const Result<Conversion> small = convert_within(8, 8, {.megabytes = 0.001});
  REQUIRE_FALSE(small.ok());
  CHECK(small.status().code() == Code::invalid_argument);
  CHECK(small.status().message().find("--max-mb 0.00 MB") != std::string::npos);
  const Result<Conversion> fast = convert_within(4, 4, {.milliseconds = 1e-6});
  REQUIRE_FALSE(fast.ok());
  CHECK(fast.status().message().find("--max-ms") != std::string::npos);
  CHECK(fast.status().message().find("scalar") != std::string::npos);
  const Result<Conversion> other = convert_within(8, 8, {.megabytes = 1}, "percentile");
  REQUIRE_FALSE(other.ok());
  CHECK(other.status().message().find("only --method auto") != std::string::npos);
}

TEST_CASE("a budget that everything fits into changes nothing") {
  const Result<Conversion> free = convert_within(4, 4, {});
  const Result<Conversion> limited = convert_within(4, 4, {.milliseconds = 1e6, .megabytes = 1e3});
  REQUIRE(free.ok());
  REQUIRE_MESSAGE(limited.ok(), limited.status().message());
  CHECK(plan_to_json(free.value().plan) == plan_to_json(limited.value().plan));
  CHECK(limited.value().milliseconds.has_value());
}
