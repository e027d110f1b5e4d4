#include "bench/child.h"

#include <chrono>
#include <cstring>
#include <utility>

#include "bench/machine.h"
#include "bench/pipe_io.h"
#include "engine/session.h"
#include "engine/tools/digest.h"

namespace intvit::bench {
namespace {

// Pixels that are the same everywhere, and different for each picture of a batch (a 64-bit xorshift generator).
std::vector<std::uint8_t> make_pixels(std::size_t count) {
  std::vector<std::uint8_t> pixels(count);
  std::uint64_t state = 0x9e3779b97f4a7c15;
  for (std::uint8_t& pixel : pixels) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    pixel = static_cast<std::uint8_t>(state >> 56);
  }
  return pixels;
}

class Runner {
 public:
  explicit Runner(Session& session) : session_(session), steps_(session.step_nanoseconds().size()) {
    const Program& program = session.model().program();
    pixels_ = make_pixels(std::size_t{program.input.height} * program.input.width * 3 *
                          static_cast<std::size_t>(session.batch()));
  }

  std::vector<double> run(const RunCommand& command) {
    for (int i = 0; i < command.untimed; ++i) run_once();
    const std::vector<std::uint64_t> before(session_.step_nanoseconds().begin(), session_.step_nanoseconds().end());
    std::vector<double> milliseconds;
    double total = 0;
    while (static_cast<int>(milliseconds.size()) < command.timed && total < command.seconds * 1e3) {
      milliseconds.push_back(run_once());
      total += milliseconds.back();
    }
    for (std::size_t i = 0; i < steps_.size(); ++i) steps_[i] += session_.step_nanoseconds()[i] - before[i];
    return milliseconds;
  }

  const std::vector<std::uint64_t>& steps() const { return steps_; }

 private:
  // A run overwrites its pictures, so they are copied before the clock starts.
  double run_once() {
    std::memcpy(session_.picture(0), pixels_.data(), pixels_.size());
    const auto start = std::chrono::steady_clock::now();
    session_.run(session_.batch());
    return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
  }

  Session& session_;
  std::vector<std::uint8_t> pixels_;
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
