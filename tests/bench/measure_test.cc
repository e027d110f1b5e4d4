// Which runs a measurement makes, and in which order: contenders note each in a pipe, and say that it took as long as
// the test likes.
#include "bench/vitbench/measure.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "bench/vitbench/make_row.h"
#include "bench/vitbench/pinning.h"
#include "engine/format/writer.h"
#include "engine/program/cost.h"
#include "tests/engine/tiny_program.h"
#include "tools/common/machine/physical_cores.h"

namespace intvit::bench {
namespace {

class TinyModelFile {
 public:
  TinyModelFile() {
    std::string pattern = (std::filesystem::temp_directory_path() / "intvit_measure_XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
    REQUIRE(write_file_atomically(path(), test::tiny_model_bytes()).ok());
  }
  ~TinyModelFile() { std::filesystem::remove_all(folder_); }
  TinyModelFile(const TinyModelFile&) = delete;
  TinyModelFile& operator=(const TinyModelFile&) = delete;

  std::string path() const { return folder_ / "m.bin"; }

 private:
  std::filesystem::path folder_;
};

// One character per run of any process: '!' if it is the first there, else the session's batch size.
class RunLog {
 public:
  RunLog() { REQUIRE(::pipe2(pipe_, O_NONBLOCK) == 0); }
  ~RunLog() {
    ::close(pipe_[0]);
    ::close(pipe_[1]);
  }
  RunLog(const RunLog&) = delete;
  RunLog& operator=(const RunLog&) = delete;

  // Runs that take `milliseconds`, but for a process's first, which is so long that no other cold start is measured.
  RunOnce runs_of(double milliseconds) const {
    return [this, milliseconds, cold = true](Session& session) mutable {
      const char name = std::exchange(cold, false) ? '!' : static_cast<char>('0' + session.batch());
      session.run(session.batch());
      if (::write(pipe_[1], &name, 1) != 1) ::_exit(1);
      return name == '!' ? 1e6 : milliseconds;
    };
  }

  // What was noted since the last call.
  std::string read() {
    std::string text(1000, '\0');
    const ssize_t size = ::read(pipe_[0], text.data(), text.size());
    text.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
    return text;
  }

 private:
  int pipe_[2];
};

struct Measurement {
  TinyModelFile file;
  RunLog log;
  Options options;
  std::vector<std::unique_ptr<Contender>> contenders;

  Measurement() {
    options.models = {file.path()};
    options.threads = {1};
    options.isas = {Isa::scalar};
    options.batches = {1};
  }

  std::string noted(double milliseconds) {
    auto measured = measure(
        options, [](const std::string&) {}, log.runs_of(milliseconds));
    REQUIRE(measured.ok());
    contenders = measured.take();
    return log.read();
  }
};

TEST_CASE("measure: a contender runs once, then warms up, then runs as often as was asked for") {
  Measurement m;
  for (const int warmup : {0, 1, 3}) {
    m.options.warmup = warmup;
    m.options.runs = 4;
    CHECK(m.noted(100) == "!" + std::string(static_cast<std::size_t>(warmup), '1') + "1111");
    CHECK(m.contenders[0]->milliseconds() == std::vector<double>(4, 100));
  }
}

TEST_CASE("measure: contenders take turns of a quarter of a second, each after one run that is not timed") {
  Measurement m;
  m.options.batches = {1, 2};
  m.options.warmup = 2;
  m.options.runs = 4;
  CHECK(m.noted(100) ==
        "!11!22"
        "1111"
        "2222"
        "11"
        "22");
  // Run by run where a run is longer than a turn.
  m.options.batches = {1, 2, 3};
  m.options.warmup = 0;
  m.options.runs = 2;
  CHECK(m.noted(250) ==
        "!!!"
        "112233"
        "112233");
  for (const auto& contender : m.contenders) CHECK(contender->milliseconds().size() == 2);
}

// Of threads that a session has, those that wait included: in a list of CPUs that all are bound to, one each.
TEST_CASE("measure: a contender's threads are bound to the CPUs of --pin") {
  Measurement m;
  m.options.pin = usable_cpus();
  m.options.pin.resize(std::min<std::size_t>(m.options.pin.size(), 2));
  m.options.threads = {static_cast<int>(m.options.pin.size())};
  m.options.runs = 1;
  const RunOnce count_bound = [](Session&) {
    int bound = 0;
    for (const auto& thread : std::filesystem::directory_iterator("/proc/self/task")) {
      cpu_set_t cpus;
      ::sched_getaffinity(std::stoi(thread.path().filename()), sizeof cpus, &cpus);
      bound += CPU_COUNT(&cpus) == 1;
    }
    return 1e6 + bound;
  };
  auto measured = measure(
      m.options, [](const std::string&) {}, count_bound);
  REQUIRE(measured.ok());
  CHECK(measured.value()[0]->milliseconds()[0] == 1e6 + static_cast<double>(m.options.pin.size()));
  const auto model = Model::open(m.file.path());
  const Row row = make_row(*measured.value()[0], *model.value(), {{Isa::scalar, m.options.threads[0], {}, {}}});
  CHECK(row.pinned == cpu_list(m.options.pin));
}

TEST_CASE("measure: seconds are of timed runs, and end with the run that exceeds them") {
  Measurement m;
  m.options.seconds = 0.45;
  CHECK(m.noted(100) == "!11111");
  m.options.seconds = 0.001;
  CHECK(m.noted(100) == "!1");
  m.options.seconds = 0.3;
  m.options.batches = {1, 2};
  CHECK(m.noted(200) ==
        "!!"
        "111"
        "222");
}

TEST_CASE("trace: of the run after the warm-up, of every contender, with the steps of all threads and pictures") {
  Measurement m;
  m.options.batches = {1, 2};
  m.options.threads = {2};
  m.options.runs = 1;
  m.noted(100);
  for (const int warmup : {0, 3}) {
    m.options.warmup = warmup;
    const auto times = trace(m.options, m.contenders);
    REQUIRE(times.ok());
    const auto runs = static_cast<std::size_t>(warmup) + 1;
    CHECK(m.log.read() == std::string(runs, '1') + std::string(runs, '2'));
    REQUIRE(times.value().size() == 2);
    const std::size_t steps = test::make_tiny_program().program.steps.size();
    for (std::size_t i = 0; i < 2; ++i) {
      REQUIRE(times.value()[i].size() == 2);
      CHECK(times.value()[i][1].size() == (i + 1) * steps);
    }
  }
}

std::uint64_t sum_of(const std::vector<std::uint64_t>& nanoseconds) {
  return std::accumulate(nanoseconds.begin(), nanoseconds.end(), std::uint64_t{0});
}

TEST_CASE("profile: sums the timed runs only") {
  const TinyModelFile file;
  // Only every second call runs the session: the first, the third ...
  const RunOnce every_second = [calls = 0](Session& session) mutable {
    if (calls++ % 2 == 0) session.run(session.batch());
    return 1e6;
  };
  auto started = Contender::start({file.path(), 1, Isa::scalar, 1, true}, every_second);
  REQUIRE(started.ok());
  Contender& contender = *started.value();
  REQUIRE(contender.run(2, 1, 1).ok());  // of the untimed ones the second runs
  CHECK(sum_of(contender.step_nanoseconds()) == 0);
  REQUIRE(contender.run(0, 1, 1).ok());
  const std::uint64_t once = sum_of(contender.step_nanoseconds());
  CHECK(once > 0);
  REQUIRE(contender.run(0, 1, 1).ok());
  CHECK(sum_of(contender.step_nanoseconds()) == once);
  REQUIRE(contender.run(0, 1, 1).ok());
  CHECK(sum_of(contender.step_nanoseconds()) > once);
}

TEST_CASE("make_row: a profile has the multiply-accumulates of a batch, and times per run") {
  Measurement m;
  m.options.batches = {3};
  m.options.profile = true;
  m.options.runs = 2;
  m.noted(100);
  const auto model = Model::open(m.file.path());
  REQUIRE(model.ok());
  const Row row = make_row(*m.contenders[0], *model.value(), {{Isa::scalar, 1, {}, {}}});
  const auto macs = static_cast<double>(program_macs(model.value()->program()));
  CHECK(row.batch == 3);
  CHECK(row.gmac * 1e9 == doctest::Approx(macs));
  double gmac = 0, milliseconds = 0;
  for (const ProfileRow& step : row.profile) gmac += step.gmac, milliseconds += step.milliseconds;
  CHECK(gmac * 1e9 == doctest::Approx(3 * macs));
  CHECK(milliseconds == doctest::Approx(static_cast<double>(sum_of(m.contenders[0]->step_nanoseconds())) / 1e6 / 2));
}

}  // namespace
}  // namespace intvit::bench
