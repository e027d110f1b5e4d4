// One run of every combination as a picture: which thread is at which step when, and how long threads wait for each
// other. Chrome's trace event format, which ui.perfetto.dev opens.
#pragma once

#include <string>
#include <vector>

#include "engine/program/program.h"
#include "intvit/session.h"

namespace intvit::bench {

struct TracedRun {
  std::string name;  // of the combination, which appears as a process
  const Program* program = nullptr;
  int batch = 1;
  int first_shared_picture = 0;                // first_shared_picture() of the session
  std::vector<std::vector<StepTime>> threads;  // [thread][picture * steps + step]; 0 where a thread did nothing
};

// Every run begins at 0. Besides the steps: "wake" until a thread begins its first step, "barrier" from the end of its
// last step before it meets the others until it goes on, or all threads have ended. `rows`, `macs` and `bytes` are of
// the step of a whole picture, not of the thread's share.
std::string trace_json(const std::vector<TracedRun>& runs);

}  // namespace intvit::bench
