// Which classes vitrun prints, and with which probabilities.
#include "tools/common/results/top_k.h"

#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <numeric>
#include <vector>

namespace intvit {
namespace {

TEST_CASE("softmax: probabilities sum to one and follow the logits' unit") {
  const std::vector<std::int32_t> logits = {0, 1 << 16, 2 << 16};
  const std::vector<double> p = softmax(logits, 16);
  CHECK(std::accumulate(p.begin(), p.end(), 0.0) == doctest::Approx(1));
  CHECK(p[2] / p[1] == doctest::Approx(std::exp(1.0)));
  CHECK(p[2] / p[0] == doctest::Approx(std::exp(2.0)));
}

TEST_CASE("softmax: the largest possible logits do not overflow") {
  const std::vector<std::int32_t> logits = {std::numeric_limits<std::int32_t>::min(),
                                            std::numeric_limits<std::int32_t>::max()};
  CHECK(softmax(logits, 0)[0] == 0);
  CHECK(softmax(logits, 0)[1] == 1);
  CHECK(softmax({}, 16).empty());
}

TEST_CASE("top_k: best first, of equal ones the lower class first") {
  const std::vector<std::int32_t> logits = {5, 9, -3, 9, 7};
  const std::vector<Prediction> best = top_k(logits, 2, 3);
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
  CHECK(top_k(logits, 16, 5).size() == 2);
  CHECK(top_k(logits, 16, std::numeric_limits<int>::max()).size() == 2);
  CHECK(top_k({}, 16, 5).empty());
}

}  // namespace
}  // namespace intvit
