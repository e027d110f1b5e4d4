#include "bench/vitbench/profile.h"

#include <algorithm>
#include <numeric>

#include "engine/program/cost.h"

namespace intvit::bench {

std::vector<ProfileRow> profile_by_layer(const Program& program, const std::vector<std::uint64_t>& nanoseconds,
                                         std::size_t runs, int batch) {
  const double total = std::accumulate(nanoseconds.begin(), nanoseconds.end(), 0.0);
  std::vector<ProfileRow> rows;
  for (std::size_t i = 0; i < program.steps.size() && i < nanoseconds.size(); ++i) {
    const Step& step = program.steps[i];
    const auto spent = static_cast<double>(nanoseconds[i]);
    const OpCost cost = op_cost(step.op, program, static_cast<std::uint64_t>(batch));
    rows.push_back({step.layer, std::string(step.op->name()), 1, spent / 1e6 / static_cast<double>(runs),
                    total > 0 ? 100 * spent / total : 0, static_cast<double>(cost.macs) / 1e9});
  }
  return rows;
}

std::vector<ProfileRow> profile_by_op(const std::vector<ProfileRow>& layers) {
  std::vector<ProfileRow> sums;
  for (const ProfileRow& layer : layers) {
    auto sum = std::find_if(sums.begin(), sums.end(), [&](const ProfileRow& row) { return row.op == layer.op; });
    if (sum == sums.end()) sum = sums.insert(sum, {"", layer.op, 0, 0, 0, 0});
    sum->steps += 1;
    sum->milliseconds += layer.milliseconds;
    sum->share += layer.share;
    sum->gmac += layer.gmac;
  }
  std::stable_sort(sums.begin(), sums.end(),
                   [](const ProfileRow& a, const ProfileRow& b) { return a.milliseconds > b.milliseconds; });
  return sums;
}

}  // namespace intvit::bench
