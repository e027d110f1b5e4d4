// One combination of model, threads, instruction set and batch size, in a child process of its own: so its peak memory
// is its own, and all combinations can stay ready while one of them runs. Between calls a child waits without using the
// CPU.
//
// Assumes that the calling process has no other threads (it forks). Not for: untrusted callers; Linux only.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "bench/vitbench/cold_start.h"
#include "bench/vitbench/run_times.h"
#include "intvit/isa.h"
#include "intvit/picture.h"
#include "intvit/session.h"
#include "intvit/status.h"

namespace intvit::bench {

struct Combination {
  std::string model;
  int threads = 1;
  Isa isa = Isa::scalar;
  int batch = 1;
  bool profile = false;
  std::vector<std::string> pictures = {};  // as in Options
  PictureOptions reading = {};             // likewise
  std::vector<int> cpus = {};              // of the threads, one each; empty: wherever Linux puts them
};

// When each thread began and ended each step of a run: [thread][picture * steps + step].
using ThreadTimes = std::vector<std::vector<StepTime>>;

class Contender {
 public:
  // Starts the child, which opens the model, makes its session and runs it once. Several times, since one cold start
  // says little; the last child stays. All runs are those of `run_once`, which the child calls.
  static Result<std::unique_ptr<Contender>> start(const Combination& combination, const RunOnce& run_once = timed_run);
  ~Contender();
  Contender(const Contender&) = delete;
  Contender& operator=(const Contender&) = delete;

  // `untimed` runs, then up to `timed` runs within about `seconds`, at least one if timed > 0. Appends to
  // milliseconds().
  Status run(int untimed, int timed, double seconds);

  // Of a run that followed `untimed` others.
  Result<ThreadTimes> trace(int untimed);

  const Combination& combination() const { return combination_; }
  // What the child's session has, after run().
  Isa isa() const { return isa_; }
  int threads() const { return threads_; }
  int batch() const { return batch_; }
  const ColdStart& cold_start() const { return cold_start_; }                // the median one
  const std::vector<double>& milliseconds() const { return milliseconds_; }  // of every timed run
  double timed_seconds() const { return timed_seconds_; }
  double peak_rss_mib() const { return peak_rss_mib_; }
  std::uint64_t outputs_digest() const { return outputs_digest_; }  // of the first picture, the same in every batch
  // Nanoseconds in every step over all timed runs (profile only).
  const std::vector<std::uint64_t>& step_nanoseconds() const { return step_nanoseconds_; }

 private:
  Contender(const Combination& combination, pid_t child, int commands, int answers)
      : combination_(combination), child_(child), commands_(commands), answers_(answers) {}
  static Result<std::unique_ptr<Contender>> start_once(const Combination& combination, const RunOnce& run_once);
  Status lost();
  Status read_status();  // as the child has sent it

  Combination combination_;
  pid_t child_;
  int commands_;  // pipe to the child
  int answers_;   // pipe from the child
  ColdStart cold_start_;
  std::vector<double> milliseconds_;
  double timed_seconds_ = 0;
  double peak_rss_mib_ = 0;
  std::uint64_t outputs_digest_ = 0;
  Isa isa_ = Isa::scalar;
  int threads_ = 0, batch_ = 0;
  std::vector<std::uint64_t> step_nanoseconds_;
};

}  // namespace intvit::bench
