// Sessions: the same logits however the work is split, no allocation while running, and errors for what cannot be.
#include "intvit/session.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "engine/ops/encode.h"
#include "engine/program/stages.h"
#include "engine/run/select_isa.h"
#include "tests/engine/count_allocations.h"
#include "tests/engine/plain_execution.h"
#include "tests/engine/tiny_model.h"
#include "tests/kernels/test_data.h"
#include "tests/one_of.h"

namespace intvit::test {
namespace {

using Logits = std::vector<std::int32_t>;

std::unique_ptr<Session> make_session(std::shared_ptr<const Model> model, const SessionOptions& options) {
  Result<std::unique_ptr<Session>> session = Session::create(std::move(model), options);
  INFO(session.status().message());
  REQUIRE(session.ok());
  return session.take();
}

// Logits of pictures with seeds first .. first + count - 1, in one run.
std::vector<Logits> run(Session& session, const TinyOptions& options, std::uint64_t first, int count) {
  for (int i = 0; i < count; ++i) {
    const std::vector<std::uint8_t> picture = tiny_picture(options, first + static_cast<std::uint64_t>(i));
    std::memcpy(session.picture(i), picture.data(), picture.size());
  }
  session.run(count);
  std::vector<Logits> all;
  for (int i = 0; i < count; ++i) all.emplace_back(session.logits(i).begin(), session.logits(i).end());
  return all;
}

std::vector<Logits> reference(const std::shared_ptr<const Model>& model, const TinyOptions& options, int pictures) {
  const auto session = make_session(model, {1, 1, Isa::scalar, false});
  std::vector<Logits> all;
  for (int i = 0; i < pictures; ++i) all.push_back(run(*session, options, static_cast<std::uint64_t>(i), 1)[0]);
  return all;
}

std::vector<Isa> scalar_and_vector_isas() {
  std::vector<Isa> isas = vector_isas();
  isas.insert(isas.begin(), Isa::scalar);
  return isas;
}

TEST_CASE("session: the logits are those of a plain execution") {
  for (const auto& [name, options] : all_variants()) {
    const auto model = tiny_model(options);
    const std::vector<Logits> logits = reference(model, options, 3);
    for (std::size_t i = 0; i < logits.size(); ++i) {
      const PlainBuffers buffers = execute_plainly(model->program(), tiny_picture(options, i));
      CHECK_MESSAGE(buffers[model->program().buffer_of(PortKind::logits)] == logits[i], name << ", picture " << i);
    }
  }
}

// Otherwise the tests here would compare little.
TEST_CASE("session: patches of any size") {
  for (const std::uint32_t patch : {1, 2, 3, 5, 6, 7, 11, 16}) {
    const TinyOptions options{.edge = 3 * patch, .patch = patch};
    const auto model = tiny_model(options);
    const PlainBuffers buffers = execute_plainly(model->program(), tiny_picture(options, 0));
    for (const Isa isa : scalar_and_vector_isas()) {
      const auto session = make_session(model, {1, 1, isa, false});
      CHECK_MESSAGE(run(*session, options, 0, 1)[0] == buffers[model->program().buffer_of(PortKind::logits)],
                    patch << " x " << patch << ", " << describe(isa));
    }
  }
}

TEST_CASE("tiny program: encode operations use many of their codes") {
  for (const auto& [name, options] : encoded_variants()) {
    const auto model = tiny_model(options);
    const Program& program = model->program();
    const PlainBuffers buffers = execute_plainly(program, tiny_picture(options, 0));
    for (const Step& step : program.steps) {
      const auto* op = step.op.as<EncodeOp>();
      if (op == nullptr) continue;
      const std::set<std::int32_t> values(buffers[op->dst].begin(), buffers[op->dst].end());
      const std::size_t codes = std::min<std::size_t>(op->max_code + 1, program.buffers[op->dst].columns);
      CHECK_MESSAGE(values.size() >= codes / 4,
                    name << ", " << step.layer << ": " << values.size() << " values of " << codes);
      CHECK_MESSAGE((op->planes == 1 || *values.rbegin() > 255), name << ", " << step.layer);
    }
  }
}

TEST_CASE("session: logits are finite in number, differ between classes and between pictures") {
  for (const auto& [name, options] : all_variants()) {
    const auto model = tiny_model(options);
    const std::vector<Logits> logits = reference(model, options, 4);
    std::set<Logits> different(logits.begin(), logits.end());
    CHECK_MESSAGE(different.size() == logits.size(), name << ": " << different.size());
    for (const Logits& one : logits) {
      CHECK(one.size() == options.classes);
      CHECK(std::set<std::int32_t>(one.begin(), one.end()).size() > options.classes / 2);
    }
  }
}

TEST_CASE("session: the same logits for every instruction set, number of threads and batch") {
  const std::vector<Isa> isas = scalar_and_vector_isas();
  std::uint64_t number = 0;
  for (const auto& [name, options] : all_variants()) {
    const auto model = tiny_model(options);
    const std::vector<Logits> expected = reference(model, options, 5);
    for (const Isa isa : isas) {
      for (const int threads : {1, 2, 3, 4, 7}) {
        for (int batch = 1; batch <= 5; batch += options.edge > 8 ? 2 : 1) {
          if (!is_tried(++number)) continue;
          const auto session = make_session(model, {threads, batch, isa, false});
          for (int repeat = 0; repeat < 2; ++repeat) {
            const std::vector<Logits> actual = run(*session, options, 0, batch);
            for (int i = 0; i < batch; ++i) {
              const auto index = static_cast<std::size_t>(i);
              CHECK_MESSAGE(actual[index] == expected[index], name << ", " << describe(isa) << ", " << threads
                                                                   << " threads, batch " << batch << ", picture " << i);
            }
          }
        }
      }
    }
  }
}

// Pictures with so many rows that a thread takes its own in blocks, alone and where two share one.
TEST_CASE("session: chains of many rows in blocks") {
  for (auto [name, options] : {plain_variants().back(), encoded_variants().back()}) {
    options.edge = 24 * options.patch;  // 576 patches
    const auto model = tiny_model(options);
    const PlainBuffers buffers = execute_plainly(model->program(), tiny_picture(options, 0));
    for (const int threads : {1, 2}) {
      const auto session = make_session(model, {threads, 1, {}, false});
      CHECK_MESSAGE(run(*session, options, 0, 1)[0] == buffers[model->program().buffer_of(PortKind::logits)],
                    name << ", " << threads << " threads");
    }
  }
}

// Threads that share a picture may be at different operations between two barriers, and of those that end with pictures
// of their own one may begin to share while another has not ended; what one still reads, no other may overwrite,
// wherever the memory plan has put it. Scalar kernels make the operations long.
const int kRepeats = kOneOf > 1 ? 2 : 10;  // ThreadSanitizer sees races that did no harm

TEST_CASE("session: threads that are ahead do not disturb those behind") {
  for (const TinyVariant& variant : {plain_variants().back(), encoded_variants().back()}) {
    const TinyOptions& options = variant.options;
    const auto model = tiny_model(options);
    const std::vector<Logits> expected = reference(model, options, 4);  // 5 and 8 threads share all of them, 3 one
    for (const int threads : {2, 3, 4, 5, 8}) {
      const auto session = make_session(model, {threads, 4, Isa::scalar, false});
      int wrong = 0;
      for (int repeat = 0; repeat < kRepeats; ++repeat) {
        wrong += run(*session, options, 0, 4) != expected;
      }
      CHECK_MESSAGE(wrong == 0,
                    variant.name << ", " << threads << " threads: " << wrong << " of " << kRepeats << " runs differ");
    }
  }
}

TEST_CASE("session: fewer pictures than the batch, and runs that do not remember earlier ones") {
  const TinyOptions options;
  const auto model = tiny_model(options);
  const std::vector<Logits> expected = reference(model, options, 5);
  const auto session = make_session(model, {2, 5, std::nullopt, false});
  for (const int count : {5, 1, 3, 2, 4, 1, 5}) {
    const std::vector<Logits> actual = run(*session, options, 0, count);
    for (std::size_t i = 0; i < actual.size(); ++i) CHECK(actual[i] == expected[i]);
  }
}

TEST_CASE("session: profiling changes no logit and times every step") {
  for (const auto& [name, options] : all_variants()) {
    const auto model = tiny_model(options);
    const auto session = make_session(model, {2, 2, std::nullopt, true});
    CHECK_MESSAGE(run(*session, options, 0, 2) == reference(model, options, 2), name);
    CHECK(session->step_nanoseconds().size() == model->program().steps.size());
    CHECK(make_session(model, {})->step_nanoseconds().empty());
  }
}

// Steps of a thread follow each other, a picture is one thread's or everybody's, and of one that is everybody's no
// thread enters a stage before all have left the one before.
TEST_CASE("session: a trace changes no logit and notes every step of every thread") {
  std::uint64_t number = 0;
  for (const auto& [name, options] : all_variants()) {
    if (!is_tried(++number)) continue;
    const auto model = tiny_model(options);
    SessionOptions traced;
    traced.threads = 3;
    traced.batch = 5;
    traced.trace = true;
    const auto session = make_session(model, traced);
    const std::size_t steps = model->program().steps.size();
    for (const int count : {5, 2}) {
      const std::vector<Logits> expected = reference(model, options, 5);
      CHECK_MESSAGE(run(*session, options, 0, count) == std::vector<Logits>(expected.begin(), expected.begin() + count),
                    name);
      const int first_shared = first_shared_picture(count, 3);
      CHECK(first_shared == count - 2);
      std::vector<std::uint64_t> before(3, 1);  // of every thread: when it ended what it did before
      const auto note = [&](const StepTime& time, int member) {
        std::uint64_t& last = before[static_cast<std::size_t>(member)];
        CHECK_MESSAGE((time.begin >= last && time.end >= time.begin), name << ", thread " << member);
        last = time.end;
      };
      for (int picture = 0; picture < first_shared; ++picture) {
        int members = 0;
        for (int member = 0; member < 3; ++member) {
          const std::span<const StepTime> times = session->step_times(picture, member);
          REQUIRE(times.size() == steps);
          if (times[0].begin == 0) continue;
          ++members;
          for (const StepTime& time : times) note(time, member);
        }
        CHECK(members == 1);
      }
      for (int picture = first_shared; picture < count; ++picture) {
        for (const Stage& stage : session->stages()) {
          before.assign(3, *std::max_element(before.begin(), before.end()));
          for (int member = 0; member < 3; ++member) {
            for (std::size_t i = stage.first; i < stage.last; ++i) {
              note(session->step_times(picture, member)[i], member);
            }
          }
        }
      }
    }
    CHECK(session->step_nanoseconds().empty());
    CHECK(make_session(model, {})->step_times(0, 0).empty());
  }
}

template <typename F>
std::uint64_t allocations_of(F&& f) {
  const std::uint64_t before = allocation_count();
  f();
  return allocation_count() - before;
}

TEST_CASE("allocation counter: sees every way of allocating") {
  if (!can_count_allocations()) {
    MESSAGE("SKIPPED: a sanitizer owns malloc");
    return;
  }
  static void* volatile p;  // so that no allocation is optimised away
  CHECK(allocations_of([] {}) == 0);
  CHECK(allocations_of([] { p = new int; }) == 1);
  delete static_cast<int*>(p);
  CHECK(allocations_of([] { p = std::malloc(10); }) == 1);
  CHECK(allocations_of([] { p = std::realloc(p, 20); }) == 1);
  std::free(p);
  CHECK(allocations_of([] { p = std::calloc(3, 4); }) == 1);
  std::free(p);
  CHECK(allocations_of([] { p = std::aligned_alloc(64, 64); }) == 1);
  std::free(p);
  CHECK(allocations_of([] {
          void* q = nullptr;
          if (posix_memalign(&q, 64, 64) == 0) p = q;
        }) == 1);
  std::free(p);
  CHECK(allocations_of([] {
          std::vector<int> v(100);
          p = v.data();
        }) == 1);
  CHECK(allocations_of([] {
          std::string s(100, 'x');
          p = s.data();
        }) == 1);
  std::thread other;
  CHECK(allocations_of([&] {
          other = std::thread([] { p = new int; });
          other.join();
        }) >= 2);
  delete static_cast<int*>(p);
}

TEST_CASE("session: run() allocates nothing, on no thread") {
  if (!can_count_allocations()) {
    MESSAGE("SKIPPED: a sanitizer owns malloc");
    return;
  }
  for (const auto& [name, options] : all_variants()) {
    for (const int threads : {1, 2, 3}) {
      for (const bool timed : {false, true}) {
        const auto session = make_session(tiny_model(options), {threads, 3, std::nullopt, timed, timed});
        const std::vector<std::uint8_t> picture = tiny_picture(options, 1);
        CHECK(allocations_of([&] {  // the first run too
                for (int i = 0; i < 5; ++i) {
                  std::memcpy(session->picture(i % 3), picture.data(), picture.size());
                  session->run(1 + i % 3);
                  static_cast<void>(session->logits(0));
                }
              }) == 0);
      }
    }
  }
}

TEST_CASE("session: impossible options are errors that say what is allowed") {
  const auto model = tiny_model();
  const auto fails = [&](const SessionOptions& options, const std::string& part) {
    const auto session = Session::create(model, options);
    REQUIRE(!session.ok());
    CHECK(session.status().code() == Code::invalid_argument);
    CHECK(session.status().message().find(part) != std::string::npos);
  };
  fails({0, 1, {}, false}, "0 threads");
  fails({-1, 1, {}, false}, "-1 threads");
  fails({kMaxThreads + 1, 1, {}, false}, "1024");
  fails({1, 0, {}, false}, "batch of 0");
  fails({1, -3, {}, false}, "batch of -3");
  fails({1, kMaxBatch + 1, {}, false}, "4096");
  fails({kMaxThreads, kMaxBatch, {}, true}, "too many");
  for (int i = 0; i < kIsaCount; ++i) {
    const Isa isa = static_cast<Isa>(i);
    if (isa_is_built(isa) && cpu_supports(isa)) continue;
    const auto session = Session::create(model, {1, 1, isa, false});
    REQUIRE(!session.ok());
    CHECK(session.status().code() == Code::unsupported_cpu);
    CHECK(session.status().message().find(available_isa_names()) != std::string::npos);
  }
}

// Sets INTVIT_ISA for a scope.
class IsaEnvironment {
 public:
  explicit IsaEnvironment(const std::string& value) {
    if (const char* old = std::getenv("INTVIT_ISA")) old_ = old;
    setenv("INTVIT_ISA", value.c_str(), 1);
  }
  ~IsaEnvironment() { old_ ? setenv("INTVIT_ISA", old_->c_str(), 1) : unsetenv("INTVIT_ISA"); }
  IsaEnvironment(const IsaEnvironment&) = delete;
  IsaEnvironment& operator=(const IsaEnvironment&) = delete;

 private:
  std::optional<std::string> old_;
};

TEST_CASE("select_isa: names, environment, errors") {
  {
    const IsaEnvironment none("");
    CHECK(select_isa("").value() == best_isa());
  }
  for (const Isa isa : available_isas()) {
    const std::string name(isa_name(isa));
    CHECK(select_isa(name).value() == isa);
    const IsaEnvironment environment(name);
    CHECK(select_isa("").value() == isa);
    CHECK(select_isa("scalar").value() == Isa::scalar);  // the option wins over the environment
  }
  for (const char* name : {"AVX2", "avx", "avx512", "scalar ", "sse2", "x"}) {
    const auto isa = select_isa(name);
    REQUIRE(!isa.ok());
    CHECK(isa.status().code() == Code::invalid_argument);
    CHECK(isa.status().message().find(available_isa_names()) != std::string::npos);
    const IsaEnvironment environment(name);
    const auto from_environment = select_isa("");
    REQUIRE(!from_environment.ok());
    CHECK(from_environment.status().message().find("INTVIT_ISA") != std::string::npos);
  }
  const IsaEnvironment environment("sse2");
  CHECK(!Session::create(tiny_model(), {}).ok());
}

TEST_CASE("session: threads and batch are those that were asked for") {
  const auto session = make_session(tiny_model(), {3, 5, std::nullopt, false});
  CHECK(session->threads() == 3);
  CHECK(session->batch() == 5);
}

TEST_CASE("session: a forced instruction set is the active one") {
  const auto model = tiny_model();
  for (const Isa isa : available_isas()) {
    CHECK(make_session(model, {1, 1, isa, false})->isa() == isa);
    const IsaEnvironment environment{std::string(isa_name(isa))};
    CHECK(make_session(model, {})->isa() == isa);
  }
}

}  // namespace
}  // namespace intvit::test
