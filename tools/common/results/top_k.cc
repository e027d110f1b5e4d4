#include "tools/common/results/top_k.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace intvit {

double logit_value(std::int32_t logit, int fraction_bits) { return std::ldexp(logit, -fraction_bits); }

std::vector<Prediction> top_k(std::span<const std::int32_t> logits, const LogitMeaning& meaning, int k) {
  std::vector<int> order(logits.size());
  std::iota(order.begin(), order.end(), 0);
  const auto logit = [&](int index) { return logits[static_cast<std::size_t>(index)]; };
  const auto count = std::min(order.size(), static_cast<std::size_t>(std::max(k, 0)));
  const auto end = order.begin() + static_cast<std::ptrdiff_t>(count);
  std::partial_sort(order.begin(), end, order.end(),
                    [&](int a, int b) { return logit(a) != logit(b) ? logit(a) > logit(b) : a < b; });
  const std::vector<double> all = probabilities(logits, meaning);
  std::vector<Prediction> predictions;
  predictions.reserve(count);
  for (auto it = order.begin(); it != end; ++it) {
    predictions.push_back({*it, logit(*it), all[static_cast<std::size_t>(*it)]});
  }
  return predictions;
}

}  // namespace intvit
