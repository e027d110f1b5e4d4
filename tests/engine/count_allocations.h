// Counts, and fails where a test wants it, what the whole process takes from the heap, on all threads:
// count_allocations.cc replaces malloc and its relatives themselves, so that operator new, std::vector,
// std::aligned_alloc, std::thread and C libraries are all seen.
#pragma once

#include <cstdint>

namespace intvit::test {

// False under the sanitizers, which bring their own malloc.
bool can_count_allocations();

// Calls of malloc, calloc, realloc, aligned_alloc, memalign and posix_memalign since the program started.
std::uint64_t allocation_count();

// Those of them that succeeded and were not freed.
std::int64_t live_allocations();

// While it lives, `failures` of them find no memory, from the `first` one on, counted from 1.
class FailingAllocations {
 public:
  FailingAllocations(std::uint64_t first, std::uint64_t failures);
  ~FailingAllocations();
  FailingAllocations(const FailingAllocations&) = delete;
  FailingAllocations& operator=(const FailingAllocations&) = delete;

  bool any() const;
};

}  // namespace intvit::test
