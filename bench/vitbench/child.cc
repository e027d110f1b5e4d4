#include "bench/vitbench/child.h"

#include <sys/resource.h>

#include <chrono>
#include <utility>

#include "bench/vitbench/pinning.h"
#include "bench/vitbench/pipe_io.h"
#include "engine/format/mapped_file.h"
#include "intvit/picture.h"
#include "intvit/session.h"
#include "tools/common/machine/machine.h"
#include "tools/common/results/outputs.h"

namespace intvit::bench {
namespace {

using Clock = std::chrono::steady_clock;

SessionOptions session_options(const Combination& combination) {
  SessionOptions options;
  options.threads = combination.threads;
  options.batch = combination.batch;
  options.isa = combination.isa;
  return options;
}

// Adds the page faults of its lifetime, of all threads.
class FaultCounter {
 public:
  explicit FaultCounter(ColdStart& cold) : cold_(cold) { add(-1); }
  ~FaultCounter() { add(1); }
  FaultCounter(const FaultCounter&) = delete;
  FaultCounter& operator=(const FaultCounter&) = delete;

 private:
  void add(int sign) {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    cold_.minor_faults += sign * usage.ru_minflt;
    cold_.major_faults += sign * usage.ru_majflt;
  }
  ColdStart& cold_;
};

// Milliseconds; 0 if the file cannot be mapped, as open() will say.
double touch_every_page(const std::string& path) {
  constexpr std::size_t kSmallestPage = 4096;
  const Clock::time_point start = Clock::now();
  const Result<MappedFile> file = MappedFile::open(path);
  if (!file.ok()) return 0;
  const std::span<const std::uint8_t> bytes = file.value().bytes();
  for (std::size_t at = 0; at < bytes.size(); at += kSmallestPage) {
    static_cast<void>(*static_cast<const volatile std::uint8_t*>(bytes.data() + at));
  }
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

Status set_pictures(Session& session, const std::vector<std::string>& files, const PictureOptions& reading) {
  if (files.empty()) paint_pictures(session);
  for (std::size_t i = 0; i < files.size(); ++i) {
    if (static_cast<int>(i) >= session.batch()) break;
    const Result<Picture> picture = read_picture(files[i], reading);
    if (!picture.ok()) return picture.status();
    for (auto place = static_cast<int>(i); place < session.batch(); place += static_cast<int>(files.size())) {
      const Status status = session.set_picture(place, picture.value().view());
      if (!status.ok()) return {status.code(), files[i] + ": " + status.message()};
    }
  }
  return {};
}

// With its threads on the combination's CPUs. They have all of them while they are started, by which a team of threads
// sees that each may have one to itself.
Result<std::unique_ptr<Session>> make_session(const std::shared_ptr<const Model>& model, const SessionOptions& options,
                                              const std::vector<int>& cpus) {
  if (cpus.empty()) return Session::create(model, options);
  if (const Status status = keep_to(cpus); !status.ok()) return status;
  Result<std::unique_ptr<Session>> session = Session::create(model, options);
  if (const Status status = bind_threads(cpus); !status.ok()) return status;
  return session;
}

class Server {
 public:
  Server(const Combination& combination, const RunOnce& run_once, int answers)
      : combination_(combination), run_once_(run_once), answers_(answers) {}

  bool start() {
    // First, since two mappings at a time would count twice as memory.
    cold_.touch = touch_every_page(combination_.model);
    Status status = open();
    if (status.ok()) status = set_pictures(*session_, combination_.pictures, combination_.reading);
    if (!write_value(answers_, status.code()) || !write_all(answers_, status.message())) return false;
    if (!status.ok()) return false;
    {
      const FaultCounter faults(cold_);
      cold_.run = run_once_(*session_);
    }
    steps_.resize(session_->step_nanoseconds().size());
    return write_value(answers_, cold_);
  }

  bool serve(const Command& command) {
    return command.kind == Command::Kind::trace ? trace(command.untimed) : run(command);
  }

 private:
  Status open() {
    const FaultCounter faults(cold_);
    const Clock::time_point start = Clock::now();
    Result<std::shared_ptr<const Model>> model = Model::open(combination_.model);
    if (!model.ok()) return model.status();
    model_ = model.take();
    const Clock::time_point opened = Clock::now();
    SessionOptions options = session_options(combination_);
    options.profile = combination_.profile;
    Result<std::unique_ptr<Session>> session = make_session(model_, options, combination_.cpus);
    if (!session.ok()) return session.status();
    session_ = session.take();
    cold_.open = std::chrono::duration<double, std::milli>(opened - start).count();
    cold_.session = std::chrono::duration<double, std::milli>(Clock::now() - opened).count();
    return {};
  }

  bool run(const Command& command) {
    for (int i = 0; i < command.untimed; ++i) run_once_(*session_);
    const std::vector<std::uint64_t> before(session_->step_nanoseconds().begin(), session_->step_nanoseconds().end());
    std::vector<double> milliseconds;
    double total = 0;
    while (static_cast<int>(milliseconds.size()) < command.timed && total < command.seconds * 1e3) {
      milliseconds.push_back(run_once_(*session_));
      total += milliseconds.back();
    }
    for (std::size_t i = 0; i < steps_.size(); ++i) steps_[i] += session_->step_nanoseconds()[i] - before[i];
    const RunAnswer answer{peak_rss_mib(), outputs_digest(*session_, 0), session_->isa(), session_->threads(),
                           session_->batch()};
    return write_value(answers_, answer) && write_all(answers_, milliseconds) && write_all(answers_, steps_);
  }

  // In a session of its own, so that the timed runs are not slower for it.
  bool trace(int untimed) {
    SessionOptions options = session_options(combination_);
    options.trace = true;
    const Result<std::unique_ptr<Session>> session = make_session(model_, options, combination_.cpus);
    const Status status =
        session.ok() ? set_pictures(*session.value(), combination_.pictures, combination_.reading) : session.status();
    if (!write_value(answers_, status.code()) || !write_all(answers_, status.message())) return false;
    if (!status.ok()) return true;
    for (int i = 0; i <= untimed; ++i) run_once_(*session.value());
    for (int member = 0; member < options.threads; ++member) {
      std::vector<StepTime> times;
      for (int picture = 0; picture < options.batch; ++picture) {
        const std::span<const StepTime> steps = session.value()->step_times(picture, member);
        times.insert(times.end(), steps.begin(), steps.end());
      }
      if (!write_all(answers_, times)) return false;
    }
    return true;
  }

  const Combination& combination_;
  const RunOnce& run_once_;
  int answers_;
  ColdStart cold_;
  std::shared_ptr<const Model> model_;
  std::unique_ptr<Session> session_;
  std::vector<std::uint64_t> steps_;
};

}  // namespace

int serve(const Combination& combination, const RunOnce& run_once, int commands, int answers) {
  Server server(combination, run_once, answers);
  if (!server.start()) return 1;
  for (Command command; read_value(commands, command);) {
    if (!server.serve(command)) return 1;
  }
  return 0;
}

}  // namespace intvit::bench
