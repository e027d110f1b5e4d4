// Which classes vitrun prints, and with which probabilities.
#include "tools/common/results/top_k.h"

#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <numeric>
#include <vector>

#include "tools/common/results/outputs.h"

namespace intvit {
namespace {

TEST_CASE("softmax: probabilities sum to one and follow the logits' unit") {
  const std::vector<std::int32_t> logits = {0, 1 << 16, 2 << 16};
  const std::vector<double> p = probabilities(logits, {1.0 / 65536});
  CHECK(std::accumulate(p.begin(), p.end(), 0.0) == doctest::Approx(1));
  CHECK(p[2] / p[1] == doctest::Approx(std::exp(1.0)));
  CHECK(p[2] / p[0] == doctest::Approx(std::exp(2.0)));
}

TEST_CASE("softmax: the largest possible logits do not overflow") {
  const std::vector<std::int32_t> logits = {std::numeric_limits<std::int32_t>::min(),
                                            std::numeric_limits<std::int32_t>::max()};
  CHECK(probabilities(logits, {1})[0] == 0);
  CHECK(probabilities(logits, {1})[1] == 1);
  CHECK(probabilities({}, {1}).empty());
}

TEST_CASE("sigmoid: every class by itself, behind the bias") {
  const std::vector<std::int32_t> logits = {0, 1 << 16, std::numeric_limits<std::int32_t>::min()};
  const std::vector<double> p = probabilities(logits, {2.0 / 65536, -1, true});
  CHECK(p[0] == doctest::Approx(1 / (1 + std::exp(1.0))));
  CHECK(p[1] == doctest::Approx(1 / (1 + std::exp(-1.0))));
  CHECK(p[2] == 0);
}

TEST_CASE("logit rule: the unit is divided by the length of the embedding, which may be zero") {
  const LogitRule rule{1, true, 1, -30, -1};
  const LogitMeaning meaning = logit_meaning(rule, {{}, {3, -4}});
  CHECK(meaning.unit == doctest::Approx(0.1));
  CHECK(meaning.value(20) == doctest::Approx(-1));
  CHECK(meaning.sigmoid);
  CHECK(logit_meaning(rule, {{}, {0, 0}}).unit == 0);
  CHECK(logit_meaning({1, false, {}}, {}).unit == 0.5);
  CHECK(LogitRule{0, true, 1, 7, 2}.bias() == 700);
}

TEST_CASE("top_k: best first, of equal ones the lower class first") {
  const std::vector<std::int32_t> logits = {5, 9, -3, 9, 7};
  const std::vector<Prediction> best = top_k(logits, {0.25}, 3);
  REQUIRE(best.size() == 3);
  CHECK(best[0].class_index == 1);
  CHECK(best[1].class_index == 3);
  CHECK(best[2].class_index == 4);
  CHECK(best[2].logit == 7);
  CHECK(best[0].probability == best[1].probability);
  CHECK(logit_value(best[2].logit, 2) == 1.75);
}

TEST_CASE("top_k: more than there are gives all") {
  const std::vector<std::int32_t> logits = {1, 2};
  CHECK(top_k(logits, {1}, 5).size() == 2);
  CHECK(top_k(logits, {1}, std::numeric_limits<int>::max()).size() == 2);
  CHECK(top_k({}, {1}, 5).empty());
}

}  // namespace
}  // namespace intvit
