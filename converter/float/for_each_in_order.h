// Pictures (or trials) over threads, and what comes of them in order: the way to go through many pictures with the
// float network. Whole pictures go to threads, which is the fastest, since threads then never wait for each other.
#pragma once

#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>
#include <utility>

#include "converter/float/parallel.h"
#include "intvit/status.h"

namespace intvit {

// How many workers for_each_in_order makes.
inline int workers_for(int count, int threads) { return std::max(1, std::min(count, threads)); }

// Calls work(0) ... work(count - 1), begun in order, on workers that make_worker(worker, threads) has made: callables
// of one thread each, with a FloatForward over `threads` threads and buffers of their own. `threads` is 1, unless there
// is a single picture, which all threads share.
// consume(i, what work(i) has returned) is then called for i = 0, 1, 2, ...; from several threads, but never at the
// same time. The first that is not ok ends everything and is returned: the same for every number of threads.
template <typename MakeWorker, typename Consume>
Status for_each_in_order(int count, int threads, const MakeWorker& make_worker, const Consume& consume) {
  const int workers = workers_for(count, threads);
  using Outcome = decltype(make_worker(0, 1)(0));
  std::atomic<int> next{0};
  std::mutex mutex;
  std::map<int, Outcome> waiting;  // for the outcomes of earlier pictures
  int consumed = 0;
  Status status;
  const auto put = [&](int index, Outcome outcome) {
    const std::lock_guard lock(mutex);
    waiting.emplace(index, std::move(outcome));
    for (auto first = waiting.begin(); status.ok() && first != waiting.end() && first->first == consumed; ++consumed) {
      status = consume(consumed, std::move(first->second));
      first = waiting.erase(first);
    }
    if (!status.ok()) next.store(count);
  };
  parallel_for(workers, workers, [&](int worker) {
    if (next.load() >= count) return;  // a helper that comes late needs no worker
    try {
      auto work = make_worker(worker, workers == 1 ? std::max(1, threads) : 1);
      for (int i; (i = next.fetch_add(1)) < count;) put(i, work(i));
    } catch (...) {
      next.store(count);
      throw;
    }
  });
  return status;
}

// Where work() returns the Status itself.
template <typename MakeWorker>
Status for_each_in_order(int count, int threads, const MakeWorker& make_worker) {
  return for_each_in_order(count, threads, make_worker, [](int, Status status) { return status; });
}

}  // namespace intvit
