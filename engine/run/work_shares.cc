#include "engine/run/work_shares.h"

#include <algorithm>
#include <cstddef>

namespace intvit {
namespace {

constexpr std::uint32_t kWhole = Share::kWhole;

// A share moves a quarter of the way to what the last run suggests, which may be an accident, and in one step by no
// more than a sixteenth of itself.
constexpr std::int64_t kSmoothing = 4;
constexpr std::int64_t kLargestStep = 16;

// No share gets below an eighth of an equal one: a thread that gets nothing could not show that it has become faster.
constexpr std::uint32_t kSmallest = 8;

}  // namespace

WorkShares::WorkShares(int members)
    : bounds_(static_cast<std::size_t>(members) + 1), widths_(static_cast<std::size_t>(members)) {
  // Upwards, or the second rounding in Share::of() would take a unit from whoever gets a whole number of them.
  const auto count = static_cast<std::uint64_t>(members);
  for (std::size_t i = 0; i < bounds_.size(); ++i) {
    bounds_[i] = static_cast<std::uint32_t>((std::uint64_t{kWhole} * i + count - 1) / count);
  }
}

Share WorkShares::of(int member) const {
  const auto i = static_cast<std::size_t>(member);
  return {bounds_[i], bounds_[i + 1]};
}

void WorkShares::adapt(std::span<const std::uint64_t> times) {
  const std::size_t members = widths_.size();
  if (members < 2 || std::find(times.begin(), times.end(), 0) != times.end()) return;
  // Work done per time, so scaled that it fits 64 bits whatever the times are.
  const auto rate = [&](std::size_t i) {
    return (std::uint64_t{bounds_[i + 1] - bounds_[i]} << 32) / std::max<std::uint64_t>(times[i], 1);
  };
  std::uint64_t all_rates = 0;
  for (std::size_t i = 0; i < members; ++i) all_rates += rate(i);
  const std::uint64_t unit = all_rates / kWhole + 1;  // of a rate, so that no product below needs more than 64 bits
  const auto smallest = static_cast<std::int64_t>(kWhole / (kSmallest * members));
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < members; ++i) {
    const std::int64_t width = bounds_[i + 1] - bounds_[i];
    const auto suggested = static_cast<std::int64_t>(rate(i) / unit * kWhole / (all_rates / unit + 1));
    const std::int64_t most = width / kLargestStep;
    const std::int64_t step = std::clamp((suggested - width) / kSmoothing, -most, most);
    widths_[i] = static_cast<std::uint32_t>(std::max(width + step, smallest));
    sum += widths_[i];
  }
  std::uint64_t end = 0;
  for (std::size_t i = 0; i + 1 < members; ++i) {
    end += widths_[i];
    bounds_[i + 1] = static_cast<std::uint32_t>(end * kWhole / sum);
  }
}

}  // namespace intvit
