#include "engine/run/executor_tasks.h"

#include <cstddef>

namespace intvit {

ExecutorTasks::ExecutorTasks(const Executor& executor, int count)
    : executor_(executor), begun_(static_cast<std::size_t>(count)) {}

bool ExecutorTasks::run(void (*work)(void*, int), void* context) {
  work_ = work;
  context_ = context;
  done_.store(0);
  wrong_.store(false);
  for (std::atomic<bool>& begun : begun_) begun.store(false);
  const int count = static_cast<int>(begun_.size());
  executor_.run(
      executor_.context, [](void* self, int member) { static_cast<ExecutorTasks*>(self)->task(member); }, this, count);
  // After this no task begins: one that comes late finds that its member has begun.
  for (std::atomic<bool>& begun : begun_) begun.store(true);
  return done_.load() == count && !wrong_.load();
}

void ExecutorTasks::task(int member) {
  if (member < 0 || static_cast<std::size_t>(member) >= begun_.size() ||
      begun_[static_cast<std::size_t>(member)].exchange(true)) {
    wrong_.store(true);
    return;
  }
  work_(context_, member);
  done_.fetch_add(1);
}

}  // namespace intvit
