// Counts what the whole process takes from the heap, on all threads: count_allocations.cc replaces malloc and its
// relatives themselves, so that operator new, std::vector, std::aligned_alloc, std::thread and C libraries are all
// seen.
#pragma once

#include <cstdint>

namespace intvit::test {

// False under the sanitizers, which bring their own malloc.
bool can_count_allocations();

// Calls of malloc, calloc, realloc, aligned_alloc, memalign and posix_memalign since the program started.
std::uint64_t allocation_count();

}  // namespace intvit::test
