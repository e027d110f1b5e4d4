// A fixed team of threads that run one function together and meet at barriers. Waiting threads spin for some
// microseconds, then sleep in the kernel, so that an idle session costs nothing. Members keep to CPUs of their own
// where there are enough, without being bound to any; the calling thread is never moved. One team belongs to one
// session; it never allocates after construction.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <thread>
#include <vector>

namespace intvit {

class ThreadTeam {
 public:
  // The calling thread is member 0; size - 1 threads are started. size >= 1. May throw std::system_error.
  explicit ThreadTeam(int size);
  // In a process that fork() made, which does not have the threads, it waits for none.
  ~ThreadTeam();
  ThreadTeam(const ThreadTeam&) = delete;
  ThreadTeam& operator=(const ThreadTeam&) = delete;

  int size() const { return size_; }

  // Whether the members are in this process. Otherwise run() would wait for them for ever.
  bool is_here() const;

  // Calls work(context, member) on every member and returns when all are done.
  void run(void (*work)(void* context, int member), void* context);

  // Inside work(): returns when all members have called it.
  void barrier(int member);

 private:
  void member_loop(int member);
  void wait_while(const std::atomic<unsigned>& value, unsigned old) const;
  void keep_apart(int member);

  const int size_;
  const pid_t process_;
  const bool own_cpus_;                 // there are enough for all members
  std::vector<std::atomic<int>> cpus_;  // of each member, when it last looked
  void (*work_)(void*, int) = nullptr;
  void* context_ = nullptr;
  alignas(64) std::atomic<unsigned> generation_{0};  // of run()
  std::atomic<bool> stop_{false};
  alignas(64) std::atomic<int> arrived_{0};
  alignas(64) std::atomic<unsigned> phase_{0};  // of barrier()
  std::vector<std::thread> threads_;
};

}  // namespace intvit
