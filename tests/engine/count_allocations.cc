// The linker prefers a program's own malloc to that of libc, also for calls from shared libraries. Every function
// counts and passes the call on to glibc's entry of another name, so memory may be freed by either. session_test.cc
// proves that the counter sees each way of allocating.
#include "tests/engine/count_allocations.h"

#include <atomic>
#include <cerrno>
#include <cstddef>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define INTVIT_COUNT_ALLOCATIONS 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define INTVIT_COUNT_ALLOCATIONS 0
#endif
#endif
#if !defined(INTVIT_COUNT_ALLOCATIONS) && defined(__GLIBC__)
#define INTVIT_COUNT_ALLOCATIONS 1
#elif !defined(INTVIT_COUNT_ALLOCATIONS)
#define INTVIT_COUNT_ALLOCATIONS 0
#endif

namespace {
std::atomic<std::uint64_t> count{0};
}  // namespace

#if INTVIT_COUNT_ALLOCATIONS

extern "C" {

void* __libc_malloc(std::size_t);
void* __libc_calloc(std::size_t, std::size_t);
void* __libc_realloc(void*, std::size_t);
void* __libc_memalign(std::size_t, std::size_t);

void* malloc(std::size_t size) {
  count.fetch_add(1, std::memory_order_relaxed);
  return __libc_malloc(size);
}
void* calloc(std::size_t n, std::size_t size) {
  count.fetch_add(1, std::memory_order_relaxed);
  return __libc_calloc(n, size);
}
void* realloc(void* p, std::size_t size) {
  count.fetch_add(1, std::memory_order_relaxed);
  return __libc_realloc(p, size);
}
void* memalign(std::size_t alignment, std::size_t size) {
  count.fetch_add(1, std::memory_order_relaxed);
  return __libc_memalign(alignment, size);
}
void* aligned_alloc(std::size_t alignment, std::size_t size) { return memalign(alignment, size); }
int posix_memalign(void** p, std::size_t alignment, std::size_t size) {
  *p = memalign(alignment, size);
  return *p == nullptr ? ENOMEM : 0;
}

}  // extern "C"

#endif

namespace intvit::test {

bool can_count_allocations() { return INTVIT_COUNT_ALLOCATIONS != 0; }
std::uint64_t allocation_count() { return count.load(); }

}  // namespace intvit::test
