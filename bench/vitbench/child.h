// The child process of a Contender: serves runs of one session until the pipe closes.
#pragma once

#include <cstdint>

#include "bench/vitbench/contender.h"

namespace intvit::bench {

struct Command {
  enum class Kind { runs, trace } kind = Kind::runs;
  int untimed = 0;
  int timed = 0;  // runs only
  double seconds = 0;
};

// Follows every command for runs, before the milliseconds of its timed runs and the nanoseconds of all steps so far.
struct RunAnswer {
  double peak_rss_mib = 0;
  std::uint64_t outputs_digest = 0;
  Isa isa = Isa::scalar;  // of the session, as are these
  int threads = 0, batch = 0;
};

// Answers first with the Code and the message of making the session, then, if it was made and has run once, with its
// ColdStart. Returns the child's exit code.
int serve(const Combination& combination, const RunOnce& run_once, int commands, int answers);

}  // namespace intvit::bench
