#include "bench/child.h"

#include <utility>

#include "bench/pipe_io.h"
#include "engine/session.h"
#include "engine/tools/digest.h"
#include "engine/tools/machine.h"
#include "engine/tools/run_times.h"

namespace intvit::bench {
namespace {

class Runner {
 public:
  explicit Runner(Session& session) : session_(session), runs_(session), steps_(session.step_nanoseconds().size()) {}

  std::vector<double> run(const RunCommand& command) {
    for (int i = 0; i < command.untimed; ++i) runs_.run_once();
    const std::vector<std::uint64_t> before(session_.step_nanoseconds().begin(), session_.step_nanoseconds().end());
    std::vector<double> milliseconds;
    double total = 0;
    while (static_cast<int>(milliseconds.size()) < command.timed && total < command.seconds * 1e3) {
      milliseconds.push_back(runs_.run_once());
      total += milliseconds.back();
    }
    for (std::size_t i = 0; i < steps_.size(); ++i) steps_[i] += session_.step_nanoseconds()[i] - before[i];
    return milliseconds;
  }

  const std::vector<std::uint64_t>& steps() const { return steps_; }

 private:
  Session& session_;
  TimedRuns runs_;
  std::vector<std::uint64_t> steps_;
};

Result<std::unique_ptr<Session>> make_session(const Combination& combination) {
  Result<std::shared_ptr<const Model>> model = Model::open(combination.model);
  if (!model.ok()) return model.status();
  SessionOptions options;
  options.threads = combination.threads;
  options.batch = combination.batch;
  options.isa = combination.isa;
  options.profile = combination.profile;
  return Session::create(model.take(), options);
}

}  // namespace

int serve_runs(const Combination& combination, int commands, int answers) {
  const Result<std::unique_ptr<Session>> session = make_session(combination);
  if (!write_value(answers, session.status().code()) || !write_all(answers, session.status().message())) return 1;
  if (!session.ok()) return 0;
  Runner runner(*session.value());
  for (RunCommand command; read_value(commands, command);) {
    const std::vector<double> milliseconds = runner.run(command);
    const RunAnswer answer{peak_rss_mib(), logits_digest(session.value()->logits(0))};
    if (!write_value(answers, answer) || !write_all(answers, milliseconds) || !write_all(answers, runner.steps())) {
      return 1;
    }
  }
  return 0;
}

}  // namespace intvit::bench
