#include "bench/vitbench/contender.h"

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <exception>
#include <numeric>
#include <system_error>

#include "bench/vitbench/child.h"
#include "bench/vitbench/pipe_io.h"

namespace intvit::bench {
namespace {

// At most so many cold starts, and none after that time.
constexpr std::size_t kColdStarts = 5;
constexpr double kColdStartMilliseconds = 2000;

Status system_error(const char* what) {
  return {Code::io, std::string("cannot ") + what + ": " + std::generic_category().message(errno)};
}

[[noreturn]] void be_child(const Combination& combination, const RunOnce& run_once, int commands, int answers) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  // What ends this process is the parent's to tell.
  std::signal(SIGBUS, SIG_DFL);
  std::set_terminate([] { ::_exit(1); });
  int code = 1;
  try {
    code = serve(combination, run_once, commands, answers);
  } catch (const std::exception&) {
    // Out of memory; the parent notices that the pipe closes.
  }
  ::_exit(code);
}

}  // namespace

Result<std::unique_ptr<Contender>> Contender::start(const Combination& combination, const RunOnce& run_once) {
  std::vector<ColdStart> starts;
  double milliseconds = 0;
  for (;;) {
    Result<std::unique_ptr<Contender>> contender = start_once(combination, run_once);
    if (!contender.ok()) return contender;
    starts.push_back(contender.value()->cold_start_);
    milliseconds += starts.back().total();
    if (starts.size() < kColdStarts && milliseconds < kColdStartMilliseconds) continue;
    contender.value()->cold_start_ = median_cold_start(starts);
    return contender;
  }
}

Result<std::unique_ptr<Contender>> Contender::start_once(const Combination& combination, const RunOnce& run_once) {
  int commands[2], answers[2];
  if (::pipe(commands) != 0) return system_error("make a pipe");
  if (::pipe(answers) != 0) return system_error("make a pipe");
  const pid_t child = ::fork();
  if (child < 0) return system_error("start a process");
  if (child == 0) {
    ::close(commands[1]);
    ::close(answers[0]);
    be_child(combination, run_once, commands[0], answers[1]);
  }
  ::close(commands[0]);
  ::close(answers[1]);
  std::unique_ptr<Contender> contender(new Contender(combination, child, commands[1], answers[0]));
  if (const Status status = contender->read_status(); !status.ok()) return status;
  if (!read_value(contender->answers_, contender->cold_start_)) return contender->lost();
  return contender;
}

Contender::~Contender() {
  ::close(commands_);  // which makes the child end
  ::close(answers_);
  if (child_ > 0) {
    // Children started later have copies of this pipe's end, so the pipe may stay open until they are gone.
    ::kill(child_, SIGKILL);
    ::waitpid(child_, nullptr, 0);
  }
}

Status Contender::lost() {
  int state = 0;
  ::waitpid(child_, &state, 0);
  child_ = 0;
  const std::string reason = WIFSIGNALED(state) ? "killed by signal " + std::to_string(WTERMSIG(state))
                                                : "exit code " + std::to_string(WEXITSTATUS(state));
  const bool bus_error = WIFSIGNALED(state) && WTERMSIG(state) == SIGBUS;
  return {Code::out_of_memory, "the process that ran '" + combination_.model + "' with " +
                                   std::to_string(combination_.threads) + " threads and batch " +
                                   std::to_string(combination_.batch) + " ended (" + reason + "); perhaps " +
                                   (bus_error ? "the file became shorter meanwhile" : "there is too little memory")};
}

Status Contender::read_status() {
  Code code = Code::ok;
  std::string message;
  if (!read_value(answers_, code) || !read_all(answers_, message)) return lost();
  return {code, message};
}

Status Contender::run(int untimed, int timed, double seconds) {
  RunAnswer answer;
  std::vector<double> milliseconds;
  if (!write_value(commands_, Command{Command::Kind::runs, untimed, timed, seconds}) || !read_value(answers_, answer) ||
      !read_all(answers_, milliseconds) || !read_all(answers_, step_nanoseconds_)) {
    return lost();
  }
  peak_rss_mib_ = answer.peak_rss_mib;
  outputs_digest_ = answer.outputs_digest;
  isa_ = answer.isa;
  threads_ = answer.threads;
  batch_ = answer.batch;
  milliseconds_.insert(milliseconds_.end(), milliseconds.begin(), milliseconds.end());
  timed_seconds_ += std::accumulate(milliseconds.begin(), milliseconds.end(), 0.0) / 1e3;
  return {};
}

Result<ThreadTimes> Contender::trace(int untimed) {
  if (!write_value(commands_, Command{Command::Kind::trace, untimed, 0, 0})) return lost();
  if (const Status status = read_status(); !status.ok()) return status;
  ThreadTimes threads(static_cast<std::size_t>(combination_.threads));
  for (std::vector<StepTime>& steps : threads) {
    if (!read_all(answers_, steps)) return lost();
  }
  return threads;
}

}  // namespace intvit::bench
