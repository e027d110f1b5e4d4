#include "converter/quantizers/choose_softmax.h"

#include <algorithm>
#include <numeric>

#include "converter/float/parallel.h"
#include "converter/quantizers/table.h"

namespace intvit {
namespace {

// Candidates whose levels are refitted.
constexpr std::size_t kRefitted = 6;

}  // namespace

SoftmaxScheme choose(const AttentionError& attention, SoftmaxScheme scheme, const std::vector<TableScheme>& candidates,
                     bool per_head, bool centroids, int threads) {
  const auto heads = static_cast<std::size_t>(attention.heads());
  const auto error_of = [&](const TableScheme& table, int head) {
    SoftmaxScheme one = scheme;
    one.tables = {table};
    return attention.of(one, head);
  };
  // [candidate][head]
  std::vector<std::vector<double>> errors(candidates.size(), std::vector<double>(heads));
  parallel_for(threads, static_cast<int>(candidates.size()) * attention.heads(), [&](int task) {
    const auto c = static_cast<std::size_t>(task / attention.heads());
    const int head = task % attention.heads();
    errors[c][static_cast<std::size_t>(head)] = error_of(candidates[c], head);
  });
  // Of the heads first ... last - 1 together.
  const auto best = [&](int first, int last) {
    const auto total = [&](std::size_t c) {
      return std::accumulate(errors[c].begin() + first, errors[c].begin() + last, 0.0);
    };
    std::vector<std::size_t> order(candidates.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return total(a) < total(b); });
    TableScheme table = candidates[order[0]];
    double least = total(order[0]);
    if (!centroids) return table;
    std::vector<float> probabilities;
    for (int head = first; head < last; ++head) {
      const std::vector<float> more = attention.samples(head, scheme.codes == SoftmaxKind::relative);
      probabilities.insert(probabilities.end(), more.begin(), more.end());
    }
    for (std::size_t i = 0; i < std::min(kRefitted, order.size()); ++i) {
      const TableScheme refitted = with_centroids(candidates[order[i]], probabilities);
      double error = 0;
      for (int head = first; head < last; ++head) error += error_of(refitted, head);
      if (error < least) {
        least = error;
        table = refitted;
      }
    }
    return table;
  };
  scheme.tables.assign(per_head ? heads : 1, {});
  parallel_for(threads, static_cast<int>(scheme.tables.size()), [&](int head) {
    scheme.tables[static_cast<std::size_t>(head)] = per_head ? best(head, head + 1) : best(0, attention.heads());
  });
  return scheme;
}

}  // namespace intvit
