#include "converter/float/parallel.h"

#include <omp.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

namespace intvit {
namespace {

// The tasks of one parallel_for, and how far they are.
class Job {
 public:
  Job(int tasks, const std::function<void(int)>& task) : tasks_(tasks), failed_(tasks), task_(task) {}

  // Does tasks until all are begun.
  void work() {
    for (int i; (i = next_.fetch_add(1)) < tasks_;) {
      try {
        task_(i);
      } catch (...) {
        next_.store(tasks_);
        const std::lock_guard lock(mutex_);
        if (i < failed_) {
          failed_ = i;
          problem_ = std::current_exception();
        }
      }
    }
  }

  // When everybody has left work().
  void rethrow() const {
    if (problem_) std::rethrow_exception(problem_);
  }

 private:
  const int tasks_;
  std::atomic<int> next_{0};
  std::mutex mutex_;
  int failed_;  // the first task that threw
  std::exception_ptr problem_;
  const std::function<void(int)>& task_;
};

// Threads that help with one job at a time. They are started when they are first wanted, and live until the program
// ends.
class Helpers {
 public:
  ~Helpers() {
    {
      const std::lock_guard lock(mutex_);
      stop_ = true;
    }
    called_.notify_all();
    for (std::thread& thread : threads_) thread.join();
  }

  // Does the job on the calling thread and up to `helpers` others; false if they are helping with another one.
  bool run(Job& job, int helpers) {
    if (taken_.test_and_set(std::memory_order_acquire)) return false;
    start(helpers);
    {
      const std::lock_guard lock(mutex_);
      job_ = &job;
      seats_ = helpers;
    }
    for (int i = 0; i < helpers; ++i) called_.notify_one();
    job.work();
    {
      std::unique_lock lock(mutex_);
      seats_ = 0;  // who has not come by now is not needed any more
      left_.wait(lock, [this] { return present_ == 0; });
    }
    taken_.clear(std::memory_order_release);
    return true;
  }

 private:
  void start(int helpers) {
    try {
      while (static_cast<int>(threads_.size()) < helpers) threads_.emplace_back([this] { help(); });
    } catch (const std::exception&) {  // std::system_error or std::bad_alloc
      // The threads that did start, and the calling one, do all the work.
    }
  }

  void help() {
    omp_set_num_threads(1);  // for oneDNN; a setting of this thread only
    std::unique_lock lock(mutex_);
    for (;;) {
      called_.wait(lock, [this] { return stop_ || seats_ > 0; });
      if (stop_) return;
      --seats_;
      ++present_;
      Job& job = *job_;
      lock.unlock();
      job.work();
      lock.lock();
      if (--present_ == 0) left_.notify_one();
    }
  }

  std::atomic_flag taken_;
  std::vector<std::thread> threads_;  // changed only while taken
  std::mutex mutex_;                  // of what follows
  std::condition_variable called_, left_;
  Job* job_ = nullptr;
  int seats_ = 0;    // how many more may help
  int present_ = 0;  // how many are helping
  bool stop_ = false;
};

}  // namespace

void parallel_for(int threads, int tasks, const std::function<void(int)>& task) {
  static Helpers helpers;
  const OneThreadPerTask one_thread_per_task;
  Job job(tasks, task);
  const int wanted = std::min(threads, tasks) - 1;
  if (wanted < 1 || !helpers.run(job, wanted)) job.work();
  job.rethrow();
}

OneThreadPerTask::OneThreadPerTask() : before_(omp_get_max_threads()) { omp_set_num_threads(1); }

OneThreadPerTask::~OneThreadPerTask() { omp_set_num_threads(before_); }

}  // namespace intvit
