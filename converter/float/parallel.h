// Running independent pieces of work on a few OpenMP threads. The pieces must not depend on how many threads there
// are: that is why results of the float network do not either.
#pragma once

#include <omp.h>

namespace intvit {

// Calls task(0) ... task(tasks - 1), each once, in any order. A task must not throw. Inside a task, oneDNN stays on
// the calling thread.
template <typename Task>
void parallel_for(int threads, int tasks, const Task& task) {
#pragma omp parallel for num_threads(threads) schedule(dynamic, 1) if (threads > 1 && tasks > 1)
  for (int i = 0; i < tasks; ++i) task(i);
}

// oneDNN runs single-threaded inside an active parallel region, but with one thread, or one task, there is no such
// region and it would take OpenMP's default. This pins that default while it lives.
class OneThreadPerTask {
 public:
  OneThreadPerTask() : before_(omp_get_max_threads()) { omp_set_num_threads(1); }
  ~OneThreadPerTask() { omp_set_num_threads(before_); }
  OneThreadPerTask(const OneThreadPerTask&) = delete;
  OneThreadPerTask& operator=(const OneThreadPerTask&) = delete;

 private:
  int before_;
};

}  // namespace intvit
