// Work on the caller's executor, one task for each member, and whether the executor does what it must.
#pragma once

#include <atomic>
#include <vector>

#include "intvit/executor.h"

namespace intvit {

class ExecutorTasks {
 public:
  // May throw std::bad_alloc; nothing else here allocates.
  ExecutorTasks(const Executor& executor, int count);

  // Calls work(context, member) on every member and returns when all are done. False if the executor came back before
  // that, or asked for a member twice or for one that there is not; such calls do nothing.
  bool run(void (*work)(void* context, int member), void* context);

 private:
  void task(int member);

  Executor executor_;
  void (*work_)(void*, int) = nullptr;
  void* context_ = nullptr;
  std::vector<std::atomic<bool>> begun_;  // of each member
  std::atomic<int> done_{0};
  std::atomic<bool> wrong_{false};
};

}  // namespace intvit
