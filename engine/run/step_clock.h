// When each thread began and ended each step of each picture of a run, and how long every step took over all runs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "intvit/session.h"

namespace intvit {

class StepClock {
 public:
  // Is off, and does nothing, unless the options ask for times. May throw std::bad_alloc.
  StepClock(std::size_t steps, const SessionOptions& options);

  // What one with these options takes.
  static std::uint64_t bytes(std::size_t steps, const SessionOptions& options);

  bool is_on() const { return !times_.empty(); }

  // Before a run.
  void clear();
  // Those of one thread, step by step; empty if the clock is off.
  std::span<StepTime> times(int picture, int member);
  // After a run of so many pictures: adds its times to the sums, if the options ask for these.
  void add_up(int pictures, int first_shared);

  std::span<const std::uint64_t> sums() const { return sums_; }

 private:
  std::size_t steps_;
  int threads_;
  std::vector<StepTime> times_;      // [picture][member][step]
  std::vector<std::uint64_t> sums_;  // [step]
};

}  // namespace intvit
