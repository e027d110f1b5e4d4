// Sessions on the caller's executor: the same bits whichever way it runs tasks, and one that breaks its rule is
// noticed.
#include "intvit/executor.h"

#include <doctest/doctest.h>

#include <cstring>
#include <functional>
#include <thread>
#include <vector>

#include "intvit/session.h"
#include "tests/engine/count_allocations.h"
#include "tests/engine/tiny_model.h"
#include "tests/one_of.h"

namespace intvit::test {
namespace {

using Task = void (*)(void*, int);

// One after another, on the calling thread.
void run_in_order(void*, Task task, void* data, int count) {
  for (int i = 0; i < count; ++i) task(data, i);
}

void run_in_reverse(void*, Task task, void* data, int count) {
  for (int i = count - 1; i >= 0; --i) task(data, i);
}

void run_in_threads(void*, Task task, void* data, int count) {
  std::vector<std::thread> threads;
  for (int i = 0; i < count; ++i) threads.emplace_back(task, data, i);
  for (std::thread& thread : threads) thread.join();
}

std::unique_ptr<Session> session_on(const std::shared_ptr<const Model>& model, const SessionOptions& options) {
  Result<std::unique_ptr<Session>> session = Session::create(model, options);
  INFO(session.status().message());
  REQUIRE(session.ok());
  return session.take();
}

std::unique_ptr<Session> session_on(const std::shared_ptr<const Model>& model, int threads, int batch,
                                    decltype(Executor::run) run, void* context = nullptr) {
  SessionOptions options;
  options.threads = threads;
  options.batch = batch;
  options.executor = {run, context};
  return session_on(model, options);
}

void set_pictures(Session& session, const TinyOptions& options) {
  for (int i = 0; i < session.batch(); ++i) {
    const std::vector<std::uint8_t> picture = tiny_picture(options, static_cast<std::uint64_t>(i));
    std::memcpy(session.picture(i), picture.data(), picture.size());
  }
}

std::vector<std::vector<std::int32_t>> run(Session& session, const TinyOptions& options, int count) {
  set_pictures(session, options);
  session.run(count);
  std::vector<std::vector<std::int32_t>> all;
  for (int i = 0; i < count; ++i) all.emplace_back(session.logits(i).begin(), session.logits(i).end());
  return all;
}

TEST_CASE("executor: the same bits in order, in reverse and in threads") {
  std::uint64_t number = 0;
  for (const auto& [name, options] : all_variants()) {
    const auto model = tiny_model(options);
    const auto expected = run(*session_on(model, 1, 5, nullptr), options, 5);
    for (const auto executor : {run_in_order, run_in_reverse, run_in_threads}) {
      for (const int threads : {1, 2, 3, 7}) {
        if (executor == run_in_threads && threads == 7) continue;  // as many new threads per stage take long
        for (const int count : {1, 2, 5}) {
          if (!is_tried(++number)) continue;
          const auto session = session_on(model, threads, 5, executor);
          for (int repeat = 0; repeat < 2; ++repeat) {
            const auto actual = run(*session, options, count);
            CHECK_MESSAGE(std::equal(actual.begin(), actual.end(), expected.begin()),
                          name << ", " << threads << " tasks, " << count << " pictures");
          }
        }
      }
    }
  }
}

TEST_CASE("executor: it gets all work, on threads that it chooses") {
  struct Counts {
    int calls = 0, tasks = 0;
  } counts;
  const auto count = [](void* context, Task task, void* data, int number) {
    auto& seen = *static_cast<Counts*>(context);
    ++seen.calls;
    seen.tasks += number;
    std::thread([&] { run_in_order(nullptr, task, data, number); }).join();
  };
  const TinyOptions options;
  const auto model = tiny_model(options);
  const auto session = session_on(model, 3, 1, count, &counts);
  CHECK(run(*session, options, 1) == run(*session_on(model, 1, 1, nullptr), options, 1));
  CHECK(counts.calls == static_cast<int>(session->stages().size()));
  CHECK(counts.tasks == 3 * counts.calls);
}

TEST_CASE("executor: profiles and traces as threads do") {
  const TinyOptions options;
  SessionOptions asked;
  asked.threads = 2;
  asked.profile = asked.trace = true;
  asked.executor = {run_in_order, nullptr};
  const auto session = session_on(tiny_model(options), asked);
  run(*session, options, 1);
  for (const std::uint64_t nanoseconds : session->step_nanoseconds()) CHECK(nanoseconds > 0);
}

TEST_CASE("executor: run() allocates nothing of its own") {
  if (!can_count_allocations()) {
    MESSAGE("SKIPPED: a sanitizer owns malloc");
    return;
  }
  const TinyOptions options;
  const auto session = session_on(tiny_model(options), 3, 5, run_in_order);
  set_pictures(*session, options);
  const std::uint64_t before = allocation_count();
  session->run(5);
  CHECK(allocation_count() == before);
}

// Each leaves out, repeats or adds something.
void leaves_out_last(void*, Task task, void* data, int count) { run_in_order(nullptr, task, data, count - 1); }
void repeats_first(void*, Task task, void* data, int count) {
  run_in_order(nullptr, task, data, count);
  task(data, 0);
}
void adds_one(void*, Task task, void* data, int count) { run_in_order(nullptr, task, data, count + 1); }
void adds_negative(void*, Task task, void* data, int count) {
  task(data, -1);
  run_in_order(nullptr, task, data, count);
}
void does_nothing(void*, Task, void*, int) {}

TEST_CASE("executor: one that breaks its rule is an error that names it, and does no harm") {
  const TinyOptions options;
  const auto model = tiny_model(options);
  for (const auto executor : {leaves_out_last, repeats_first, adds_one, adds_negative, does_nothing}) {
    for (const int count : {1, 4}) {
      const auto session = session_on(model, 2, 4, executor);
      const Status status = session->try_run(count);
      CHECK(status.code() == Code::invalid_argument);
      CHECK(status.message().find("the executor must call every task once") != std::string::npos);
    }
  }
  // A good one that follows in the same session has the right bits.
  decltype(Executor::run) current = does_nothing;
  const auto forward = [](void* context, Task task, void* data, int count) {
    (*static_cast<decltype(Executor::run)*>(context))(nullptr, task, data, count);
  };
  const auto session = session_on(model, 2, 4, forward, &current);
  CHECK(!session->try_run(4).ok());
  current = run_in_reverse;
  CHECK(run(*session, options, 4) == run(*session_on(model, 1, 4, nullptr), options, 4));
}

}  // namespace
}  // namespace intvit::test
