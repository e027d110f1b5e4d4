#include "converter/methods/auto/choose_within.h"

#include <algorithm>

namespace intvit {
namespace {

class Choice {
 public:
  Choice(const std::vector<std::vector<CostedOption>>& contests, const Costs& limits)
      : contests_(contests), limits_(limits), picks_(contests.size(), 0) {
    for (int i = 0; i < kCosts; ++i) savings_[i] = savings(i);
  }

  std::optional<std::vector<std::size_t>> run() {
    for (std::size_t p = 0; p < contests_.size(); ++p) {
      const auto best =
          std::min_element(contests_[p].begin(), contests_[p].end(),
                           [](const CostedOption& a, const CostedOption& b) { return a.error < b.error; });
      picks_[p] = static_cast<std::size_t>(best - contests_[p].begin());
      for (int i = 0; i < kCosts; ++i) totals_[i] += best->costs[i];
    }
    while (violation(totals_) > 0) {
      if (!give_way() && !start_cheaply()) return std::nullopt;
    }
    // Large steps may have saved more than was needed.
    while (improve()) continue;
    return picks_;
  }

 private:
  // How far beyond the limits, each relative to what there is to save.
  double violation(const Costs& totals) const {
    double sum = 0;
    for (int i = 0; i < kCosts; ++i) {
      if (totals[i] > limits_[i]) sum += (totals[i] - limits_[i]) / std::max(savings_[i], 1e-300);
    }
    return sum;
  }

  // From the dearest option of every contest to the cheapest.
  double savings(int cost) const {
    double sum = 0;
    for (const auto& options : contests_) {
      double low = options[0].costs[cost], high = low;
      for (const CostedOption& o : options) {
        low = std::min(low, o.costs[cost]);
        high = std::max(high, o.costs[cost]);
      }
      sum += high - low;
    }
    return sum;
  }

  Costs totals_with(std::size_t contest, std::size_t option) const {
    Costs totals = totals_;
    for (int i = 0; i < kCosts; ++i) {
      totals[i] += contests_[contest][option].costs[i] - contests_[contest][picks_[contest]].costs[i];
    }
    return totals;
  }

  double error_with(std::size_t contest, std::size_t option) const {
    return contests_[contest][option].error - contests_[contest][picks_[contest]].error;
  }

  void take(std::size_t contest, std::size_t option) {
    totals_ = totals_with(contest, option);
    picks_[contest] = option;
  }

  // The change that adds least error for what it takes off the violation. False if none takes anything off.
  bool give_way() {
    const double now = violation(totals_);
    std::size_t contest = 0, option = 0;
    double least = kNoLimit;
    for (std::size_t p = 0; p < contests_.size(); ++p) {
      for (std::size_t o = 0; o < contests_[p].size(); ++o) {
        const double relief = now - violation(totals_with(p, o));
        if (relief <= 1e-12) continue;
        const double price = error_with(p, o) / relief;
        if (price < least) {
          least = price;
          contest = p;
          option = o;
        }
      }
    }
    if (least == kNoLimit) return false;
    take(contest, option);
    return true;
  }

  // Several limits can hold each other up: every change that helps one hurts another more. Then, whatever the errors,
  // the picks that are cheapest by some weighting of the costs. False if none of them keeps the limits.
  bool start_cheaply() {
    constexpr int kSteps = 64;
    for (int step = 0; step <= kSteps; ++step) {
      const double share = static_cast<double>(step) / kSteps;
      for (std::size_t p = 0; p < contests_.size(); ++p) {
        const auto price = [&](const CostedOption& o) {
          return share * o.costs[0] / std::max(savings_[0], 1e-300) +
                 (1 - share) * o.costs[1] / std::max(savings_[1], 1e-300);
        };
        const auto best =
            std::min_element(contests_[p].begin(), contests_[p].end(),
                             [&](const CostedOption& a, const CostedOption& b) { return price(a) < price(b); });
        take(p, static_cast<std::size_t>(best - contests_[p].begin()));
      }
      if (violation(totals_) <= 0) return true;
    }
    return false;
  }

  // The change that takes off most error and keeps the limits. False if there is none.
  bool improve() {
    std::size_t contest = 0, option = 0;
    double most = 0;
    for (std::size_t p = 0; p < contests_.size(); ++p) {
      for (std::size_t o = 0; o < contests_[p].size(); ++o) {
        if (-error_with(p, o) <= most || violation(totals_with(p, o)) > 0) continue;
        most = -error_with(p, o);
        contest = p;
        option = o;
      }
    }
    if (most <= 0) return false;
    take(contest, option);
    return true;
  }

  const std::vector<std::vector<CostedOption>>& contests_;
  const Costs limits_;
  Costs savings_{}, totals_{};
  std::vector<std::size_t> picks_;
};

}  // namespace

std::optional<std::vector<std::size_t>> choose_within(const std::vector<std::vector<CostedOption>>& contests,
                                                      const Costs& limits) {
  return Choice(contests, limits).run();
}

}  // namespace intvit
