// The choice of options within limits, against a search of all combinations.
#include "converter/methods/auto/choose_within.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <random>

using namespace intvit;

namespace {

using Contests = std::vector<std::vector<CostedOption>>;

struct Totals {
  double error = 0;
  Costs costs{};
};

Totals totals_of(const Contests& contests, const std::vector<std::size_t>& picks) {
  Totals totals;
  for (std::size_t p = 0; p < contests.size(); ++p) {
    const CostedOption& option = contests[p].at(picks[p]);
    totals.error += option.error;
    for (int c = 0; c < kCosts; ++c) totals.costs[c] += option.costs[c];
  }
  return totals;
}

bool within(const Costs& costs, const Costs& limits) {
  return std::equal(costs.begin(), costs.end(), limits.begin(), [](double a, double b) { return a <= b + 1e-9; });
}

// The least error within the limits, or none.
std::optional<double> searched(const Contests& contests, const Costs& limits) {
  std::vector<std::size_t> picks(contests.size(), 0);
  std::optional<double> least;
  for (;;) {
    const Totals totals = totals_of(contests, picks);
    if (within(totals.costs, limits) && (!least || totals.error < *least)) least = totals.error;
    std::size_t p = 0;
    while (p < contests.size() && ++picks[p] == contests[p].size()) picks[p++] = 0;
    if (p == contests.size()) return least;
  }
}

Contests random_contests(unsigned seed, bool one_cost) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<double> uniform(0, 1);
  Contests contests(6);
  for (auto& options : contests) {
    for (int o = 0; o < 4; ++o)
      options.push_back({uniform(random), {uniform(random) - 0.3, one_cost ? 0 : uniform(random) - 0.3}});
  }
  return contests;
}

}  // namespace

TEST_CASE("without limits every contest gets its least error") {
  const Contests contests = random_contests(1, false);
  const auto picks = choose_within(contests, {kNoLimit, kNoLimit});
  REQUIRE(picks);
  for (std::size_t p = 0; p < contests.size(); ++p) {
    for (const CostedOption& o : contests[p]) CHECK(contests[p][(*picks)[p]].error <= o.error);
  }
}

TEST_CASE("a limit is kept, and is found to be impossible only where it is; the error is near the least") {
  double lost = 0;
  int solved = 0, impossible = 0;
  for (unsigned seed = 0; seed < 60; ++seed) {
    const Contests contests = random_contests(seed, true);
    for (const double limit : {-1.5, -0.5, 0.0, 0.6, 1.2}) {
      const Costs limits = {limit, kNoLimit};
      const auto least = searched(contests, limits);
      const auto picks = choose_within(contests, limits);
      REQUIRE(picks.has_value() == least.has_value());
      if (!picks) {
        ++impossible;
        continue;
      }
      const Totals totals = totals_of(contests, *picks);
      CHECK(within(totals.costs, limits));
      lost += totals.error - *least;
      ++solved;
    }
  }
  CHECK(impossible > 0);
  REQUIRE(solved > 100);
  CHECK(lost / solved < 0.06);  // of errors that are sums of six numbers between 0 and 1
}

TEST_CASE("two limits are kept together") {
  int solved = 0, missed = 0;
  for (unsigned seed = 0; seed < 60; ++seed) {
    const Contests contests = random_contests(seed, false);
    const Costs limits = {0.2, 0.1};
    const auto picks = choose_within(contests, limits);
    if (!searched(contests, limits)) {
      CHECK_FALSE(picks);
      continue;
    }
    if (!picks) {
      ++missed;
      continue;
    }
    CHECK(within(totals_of(contests, *picks).costs, limits));
    ++solved;
  }
  CHECK(solved > 20);
  CHECK(missed <= solved / 10);
}
