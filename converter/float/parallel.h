// Running independent pieces of work on a few threads. The pieces must not depend on how many threads there are: that
// is why results of the float network do not either.
//
// The threads are the program's own, not OpenMP's: they sleep while there is nothing to do, and nobody waits for one
// that has not begun. So on a busy machine the calling thread does what the others do not come to do, whereas OpenMP's
// threads spin at the end of every region, and for milliseconds if one of them has no CPU.
#pragma once

#include <functional>

namespace intvit {

// Calls task(0) ... task(tasks - 1), each once, on at most `threads` threads with the calling one among them. Tasks are
// begun in order, each by the next thread that is free. Inside a task, oneDNN and parallel_for stay on the task's
// thread (parallel_for may use more if the task is the only one). If tasks throw, no further ones are begun, and the
// exception of the first of them in order is thrown on.
void parallel_for(int threads, int tasks, const std::function<void(int)>& task);

// oneDNN would take as many threads as OpenMP's default says. This pins that default to one on the calling thread while
// it lives: for those who call oneDNN outside a task.
class OneThreadPerTask {
 public:
  OneThreadPerTask();
  ~OneThreadPerTask();
  OneThreadPerTask(const OneThreadPerTask&) = delete;
  OneThreadPerTask& operator=(const OneThreadPerTask&) = delete;

 private:
  int before_;
};

}  // namespace intvit
