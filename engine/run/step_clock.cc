#include "engine/run/step_clock.h"

#include <algorithm>

namespace intvit {

std::uint64_t StepClock::bytes(std::size_t steps, const SessionOptions& options) {
  const auto all = static_cast<std::uint64_t>(options.batch) * static_cast<std::uint64_t>(options.threads);
  return (options.profile || options.trace ? all * steps * sizeof(StepTime) : 0) +
         (options.profile ? steps * sizeof(std::uint64_t) : 0);
}

StepClock::StepClock(std::size_t steps, const SessionOptions& options) : steps_(steps), threads_(options.threads) {
  if (options.profile || options.trace) {
    times_.resize(static_cast<std::size_t>(options.batch) * static_cast<std::size_t>(threads_) * steps);
  }
  if (options.profile) sums_.resize(steps);
}

void StepClock::clear() { std::fill(times_.begin(), times_.end(), StepTime{}); }

std::span<StepTime> StepClock::times(int picture, int member) {
  if (!is_on()) return {};
  const auto row = static_cast<std::size_t>(picture) * static_cast<std::size_t>(threads_);
  return {times_.data() + (row + static_cast<std::size_t>(member)) * steps_, steps_};
}

void StepClock::add_up(int pictures, int first_shared) {
  for (int picture = 0; picture < pictures && !sums_.empty(); ++picture) {
    const std::uint64_t at_a_time = picture < first_shared ? static_cast<std::uint64_t>(threads_) : 1;
    for (std::size_t i = 0; i < steps_; ++i) {
      StepTime step{UINT64_MAX, 0};
      for (int member = 0; member < threads_; ++member) {
        const StepTime& one = times(picture, member)[i];
        if (one.begin != 0) step = {std::min(step.begin, one.begin), std::max(step.end, one.end)};
      }
      sums_[i] += (step.end - step.begin) / at_a_time;
    }
  }
}

}  // namespace intvit
