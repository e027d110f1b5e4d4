#include "converter/quantizers/choose_activation.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "converter/float/parallel.h"

namespace intvit {
namespace {

// Ranges shrink by this factor, this many times.
constexpr double kShrink = 0.88;
constexpr int kShrinks = 18;
// Ends that are tried on their own, around the best common factor.
constexpr int kNeighbours = 3;

}  // namespace

ActivationScheme choose(const ChannelError& error, const std::vector<ActivationScheme>& candidates, int threads) {
  std::vector<double> errors(candidates.size());
  parallel_for(threads, static_cast<int>(candidates.size()),
               [&](int i) { errors[static_cast<std::size_t>(i)] = error.of(candidates[static_cast<std::size_t>(i)]); });
  return candidates[static_cast<std::size_t>(std::min_element(errors.begin(), errors.end()) - errors.begin())];
}

ActivationScheme choose_uniform(const ChannelError& error, int bits, int threads) {
  const auto ranges = [&](const std::vector<std::pair<int, int>>& shrinks) {
    std::vector<ActivationScheme> candidates;
    for (const auto& [below, above] : shrinks) {
      candidates.push_back(uniform(
          uniform_scheme(error.low() * std::pow(kShrink, below), error.high() * std::pow(kShrink, above), bits)));
    }
    return candidates;
  };
  // Both ends together, then either end on its own.
  std::vector<std::pair<int, int>> shrinks;
  std::vector<double> errors;
  for (int i = 0; i < kShrinks; ++i) shrinks.emplace_back(i, i);
  const std::vector<ActivationScheme> together = ranges(shrinks);
  errors.resize(together.size());
  parallel_for(threads, kShrinks,
               [&](int i) { errors[static_cast<std::size_t>(i)] = error.of(together[static_cast<std::size_t>(i)]); });
  const int best = static_cast<int>(std::min_element(errors.begin(), errors.end()) - errors.begin());
  shrinks = {{best, best}};
  for (int i = -kNeighbours; i <= kNeighbours; ++i) {
    for (int j = -kNeighbours; j <= kNeighbours; ++j) {
      if (i != j && best + i >= 0 && best + j >= 0) shrinks.emplace_back(best + i, best + j);
    }
  }
  // One-sided values, as behind GELU: the small end stays as it is.
  for (int i = 0; i < kShrinks; ++i) {
    shrinks.emplace_back(0, i);
    shrinks.emplace_back(i, 0);
  }
  return choose(error, ranges(shrinks), threads);
}

}  // namespace intvit
