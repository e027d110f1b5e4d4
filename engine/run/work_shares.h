// How much of a piece of work each thread of a team gets. At first everybody gets the same; from then on each gets what
// it has shown to do in the same time, since cores differ (performance and efficiency cores, a neighbour on the same
// core, a thread that was asleep) and the slowest decides when all are done. Which thread does what never changes a
// result.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/ops/share.h"

namespace intvit {

class WorkShares {
 public:
  // May throw std::bad_alloc.
  explicit WorkShares(int members);

  int members() const { return static_cast<int>(widths_.size()); }

  // Those of all members are adjacent and cover everything.
  Share of(int member) const;

  // What each member took for its range of the last run, one number a member, in any unit of time. A run in which a
  // time is 0, too short to be measured, says nothing. Allocates nothing.
  void adapt(std::span<const std::uint64_t> times);

 private:
  std::vector<std::uint32_t> bounds_;  // members + 1 of them, ascending, in units of 1 / Share::kWhole
  std::vector<std::uint32_t> widths_;  // for adapt()
};

}  // namespace intvit
