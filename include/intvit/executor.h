// Somebody else's threads: a thread pool's "parallel for", which a session uses instead of threads of its own.
#pragma once

namespace intvit {

struct Executor {
  // Calls task(data, i) once for every i of 0 .. count - 1 and returns when all of these calls have returned. Which
  // threads do that, in which order and how many at a time, is its own affair: a loop in the calling thread will do,
  // since no task waits for another. What a task wrote must be visible to who called run(), as any thread pool has it.
  // It must not throw. None: the session has threads of its own.
  void (*run)(void* context, void (*task)(void* data, int index), void* data, int count) = nullptr;
  void* context = nullptr;
};

}  // namespace intvit
