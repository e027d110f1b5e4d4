// Work over threads: every piece once, outcomes and errors in order, whatever the number of threads.
#include "converter/float/parallel.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <new>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "converter/float/for_each_in_order.h"

using namespace intvit;

namespace {

constexpr int kThreads[] = {1, 2, 3, 7};
constexpr int kCounts[] = {0, 1, 2, 5, 40};

// Longer for low numbers, so that outcomes come in another order than their pieces were begun in.
void work_long_on_early(int i) { std::this_thread::sleep_for(std::chrono::microseconds(i % 5 == 0 ? 2000 : 50)); }

// Work that counts how often each piece is done and returns its number; the pieces in `failing` fail.
struct Counter {
  std::vector<int> failing = {};
  std::vector<std::atomic<int>> times = std::vector<std::atomic<int>>(64);

  Result<int> operator()(int i) {
    times[static_cast<std::size_t>(i)].fetch_add(1);
    work_long_on_early(i);
    if (std::find(failing.begin(), failing.end(), i) == failing.end()) return i;
    return Status(Code::io, "piece " + std::to_string(i));
  }
};

// Where two pieces wait for each other: only two threads can have them meet.
class Meeting {
 public:
  bool met() {
    std::unique_lock lock(mutex_);
    ++here_;
    changed_.notify_all();
    return changed_.wait_for(lock, std::chrono::seconds(30), [this] { return here_ >= 2; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int here_ = 0;
};

}  // namespace

TEST_CASE("parallel_for does every task once, on no more threads than it may") {
  for (const int threads : kThreads) {
    for (const int tasks : kCounts) {
      CAPTURE(threads);
      CAPTURE(tasks);
      std::vector<std::atomic<int>> times(40);
      std::atomic<int> now{0}, most{0};
      parallel_for(threads, tasks, [&](int i) {
        const int active = now.fetch_add(1) + 1;
        for (int seen = most.load(); active > seen && !most.compare_exchange_weak(seen, active);) continue;
        work_long_on_early(i);
        times[static_cast<std::size_t>(i)].fetch_add(1);
        now.fetch_sub(1);
      });
      for (int i = 0; i < 40; ++i) CHECK(times[static_cast<std::size_t>(i)].load() == (i < tasks ? 1 : 0));
      CHECK(most.load() <= std::min(threads, tasks));
    }
  }
}

TEST_CASE("parallel_for has tasks done at the same time") {
  for (const int threads : {2, 3, 7}) {
    CAPTURE(threads);
    Meeting meeting;
    std::atomic<int> met{0};
    parallel_for(threads, 2, [&](int) { met += meeting.met(); });
    CHECK(met.load() == 2);
  }
}

TEST_CASE("parallel_for inside a task stays on its thread, unless the task is the only one") {
  std::atomic<int> strangers{0};
  parallel_for(3, 4, [&](int) {
    const std::thread::id own = std::this_thread::get_id();
    parallel_for(3, 20, [&](int i) {
      work_long_on_early(i);
      strangers += std::this_thread::get_id() != own;
    });
  });
  CHECK(strangers.load() == 0);
  Meeting meeting;
  std::atomic<int> met{0};
  parallel_for(3, 1, [&](int) { parallel_for(3, 2, [&](int) { met += meeting.met(); }); });
  CHECK(met.load() == 2);
}

TEST_CASE("parallel_for from several threads at once") {
  std::atomic<int> done{0};
  std::vector<std::thread> callers;
  for (int caller = 0; caller < 3; ++caller) {
    callers.emplace_back([&done] {
      for (int round = 0; round < 50; ++round) parallel_for(3, 8, [&done](int) { done.fetch_add(1); });
    });
  }
  for (std::thread& caller : callers) caller.join();
  CHECK(done.load() == 3 * 50 * 8);
}

TEST_CASE("parallel_for throws what the first task in order has thrown, and is of use afterwards") {
  for (const int threads : kThreads) {
    for (const int late : {5, 6}) {
      CAPTURE(threads);
      CAPTURE(late);
      std::atomic<int> done{0};
      Meeting meeting;
      const auto run = [&] {
        parallel_for(threads, 1000, [&](int i) {
          if (i == 5 || i == 6) {
            if (threads > 1) meeting.met();  // both have begun before one of them throws
            if (i == late) std::this_thread::sleep_for(std::chrono::milliseconds(3));
            throw std::runtime_error("task " + std::to_string(i));
          }
          done.fetch_add(1);
        });
      };
      CHECK_THROWS_WITH_AS(run(), "task 5", std::runtime_error);
      CHECK(done.load() >= 5);
      if (threads == 1) CHECK(done.load() == 5);
      std::atomic<int> after{0};
      parallel_for(threads, 10, [&](int) { after.fetch_add(1); });
      CHECK(after.load() == 10);
    }
  }
}

TEST_CASE("outcomes are consumed in order, one at a time, each once") {
  for (const int threads : kThreads) {
    for (const int count : kCounts) {
      CAPTURE(threads);
      CAPTURE(count);
      Counter counter;
      std::vector<int> consumed;
      std::atomic<bool> busy{false}, together{false};
      const Status status = for_each_in_order(
          count, threads,
          [&](int worker, int shared_by) {
            if (worker < 0 || worker >= workers_for(count, threads)) throw std::out_of_range("worker");
            if (shared_by != (count == 1 ? threads : 1)) throw std::out_of_range("shared_by");
            return [&](int i) { return counter(i); };
          },
          [&](int i, const Result<int>& outcome) -> Status {
            if (busy.exchange(true)) together = true;
            std::this_thread::yield();
            consumed.push_back(outcome.value() == i ? i : -1);
            busy = false;
            return {};
          });
      CHECK(status.ok());
      CHECK_FALSE(together.load());
      std::vector<int> all;
      for (int i = 0; i < count; ++i) all.push_back(i);
      CHECK(consumed == all);
      for (int i = 0; i < 40; ++i) CHECK(counter.times[static_cast<std::size_t>(i)].load() == (i < count ? 1 : 0));
    }
  }
}

TEST_CASE("the first failure in order ends everything, also if a later one comes sooner") {
  for (const int threads : kThreads) {
    CAPTURE(threads);
    Counter counter{{5, 6, 7}};  // 5 takes its time
    std::vector<int> consumed;
    const Status status = for_each_in_order(
        40, threads, [&](int, int) { return [&](int i) { return counter(i); }; },
        [&](int i, const Result<int>& outcome) {
          if (outcome.ok()) consumed.push_back(i);
          return outcome.status();
        });
    CHECK(status.message() == "piece 5");
    CHECK(consumed == std::vector<int>{0, 1, 2, 3, 4});
    if (threads == 1) CHECK(counter.times[6].load() == 0);
  }
}

TEST_CASE("what a worker throws reaches the caller, and the others stop") {
  constexpr int kCount = 10000;
  for (const int threads : kThreads) {
    CAPTURE(threads);
    std::atomic<int> done{0};
    std::atomic<bool> throwing{false};
    const auto run = [&] {
      return for_each_in_order(kCount, threads, [&](int, int) {
        return [&](int i) -> Status {
          if (i == 3) {
            throwing = true;
            throw std::bad_alloc();
          }
          while (i > 3 && !throwing) std::this_thread::yield();
          std::this_thread::sleep_for(std::chrono::microseconds(50));
          done.fetch_add(1);
          return {};
        };
      });
    };
    CHECK_THROWS_AS(static_cast<void>(run()), std::bad_alloc);
    CHECK(done.load() >= 3);
    CHECK(done.load() < kCount - 1);
  }
}
