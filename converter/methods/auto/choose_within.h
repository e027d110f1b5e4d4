// Which of several options every contest gets, so that the sum of errors is small and the sums of what the options cost
// stay within limits (a multiple-choice knapsack, solved greedily by error added per cost saved).
#pragma once

#include <array>
#include <cstddef>
#include <limits>
#include <optional>
#include <vector>

namespace intvit {

inline constexpr int kCosts = 2;
using Costs = std::array<double, kCosts>;  // in units of the caller's choice; may be negative

inline constexpr double kNoLimit = std::numeric_limits<double>::infinity();

struct CostedOption {
  double error;
  Costs costs;
};

// An index per contest; nothing if the cheapest options of all contests exceed a limit. With several limits at once it
// may (rarely) find nothing where a search of all combinations would. Every contest must have an option.
std::optional<std::vector<std::size_t>> choose_within(const std::vector<std::vector<CostedOption>>& contests,
                                                      const Costs& limits);

}  // namespace intvit
