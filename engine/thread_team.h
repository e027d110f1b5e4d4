// A fixed team of threads that run one function together and meet at barriers. Waiting threads spin for some
// microseconds, then sleep in the kernel, so that an idle session costs nothing. One team belongs to one session; it
// never allocates after construction.
#pragma once

#include <atomic>
#include <thread>
#include <vector>

namespace intvit {

class ThreadTeam {
 public:
  // The calling thread is member 0; size - 1 threads are started. size >= 1. May throw std::system_error.
  explicit ThreadTeam(int size);
  ~ThreadTeam();
  ThreadTeam(const ThreadTeam&) = delete;
  ThreadTeam& operator=(const ThreadTeam&) = delete;

  int size() const { return size_; }

  // Calls work(context, member) on every member and returns when all are done.
  void run(void (*work)(void* context, int member), void* context);

  // Inside work(): returns when all members have called it.
  void barrier();

 private:
  void member_loop(int member);
  void wait_while(const std::atomic<unsigned>& value, unsigned old) const;

  const int size_;
  const int spins_;
  void (*work_)(void*, int) = nullptr;
  void* context_ = nullptr;
  alignas(64) std::atomic<unsigned> generation_{0};  // of run()
  std::atomic<bool> stop_{false};
  alignas(64) std::atomic<int> arrived_{0};
  alignas(64) std::atomic<unsigned> phase_{0};  // of barrier()
  std::vector<std::thread> threads_;
};

}  // namespace intvit
