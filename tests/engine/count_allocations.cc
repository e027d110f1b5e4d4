// The linker prefers a program's own malloc to that of libc, also for calls from shared libraries. Every function
// counts, refuses what is to fail, and passes other calls on to glibc's entry of another name. session_test.cc proves
// that the counter sees each way of allocating.
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
std::atomic<std::int64_t> live{0};
std::atomic<std::uint64_t> first_failure{0}, end_of_failures{0};  // counts
std::atomic<std::uint64_t> failed{0};

[[maybe_unused]] bool fails() {
  const std::uint64_t now = count.fetch_add(1, std::memory_order_relaxed) + 1;
  if (now < first_failure.load(std::memory_order_relaxed) || now >= end_of_failures.load(std::memory_order_relaxed)) {
    return false;
  }
  failed.fetch_add(1, std::memory_order_relaxed);
  errno = ENOMEM;
  return true;
}

[[maybe_unused]] void* counted(void* p) {
  if (p != nullptr) live.fetch_add(1, std::memory_order_relaxed);
  return p;
}

}  // namespace

#if INTVIT_COUNT_ALLOCATIONS

extern "C" {

void* __libc_malloc(std::size_t);
void* __libc_calloc(std::size_t, std::size_t);
void* __libc_realloc(void*, std::size_t);
void* __libc_memalign(std::size_t, std::size_t);
void __libc_free(void*);

void* malloc(std::size_t size) { return fails() ? nullptr : counted(__libc_malloc(size)); }
void* calloc(std::size_t n, std::size_t size) { return fails() ? nullptr : counted(__libc_calloc(n, size)); }
void* realloc(void* p, std::size_t size) {
  if (fails()) return nullptr;
  void* moved = __libc_realloc(p, size);
  return p == nullptr ? counted(moved) : moved;
}
void* memalign(std::size_t alignment, std::size_t size) {
  return fails() ? nullptr : counted(__libc_memalign(alignment, size));
}
void* aligned_alloc(std::size_t alignment, std::size_t size) { return memalign(alignment, size); }
int posix_memalign(void** p, std::size_t alignment, std::size_t size) {
  *p = memalign(alignment, size);
  return *p == nullptr ? ENOMEM : 0;
}
void free(void* p) {
  if (p != nullptr) live.fetch_sub(1, std::memory_order_relaxed);
  __libc_free(p);
}

}  // extern "C"

#endif

namespace intvit::test {

bool can_count_allocations() { return INTVIT_COUNT_ALLOCATIONS != 0; }
std::uint64_t allocation_count() { return count.load(); }
std::int64_t live_allocations() { return live.load(); }

FailingAllocations::FailingAllocations(std::uint64_t first, std::uint64_t failures) {
  const std::uint64_t before = count.load();
  failed.store(0);
  first_failure.store(before + first);
  end_of_failures.store(before + first + failures);
}

bool FailingAllocations::any() const { return failed.load() != 0; }
FailingAllocations::~FailingAllocations() { end_of_failures.store(0); }

}  // namespace intvit::test
