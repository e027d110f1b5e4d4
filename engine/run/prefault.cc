#include "engine/run/prefault.h"

#include <sys/mman.h>
#include <unistd.h>

namespace intvit {

void prefault(std::span<std::uint8_t> bytes) {
  constexpr int kPopulateWrite = 23;  // of <linux/mman.h>; older C libraries do not have it
  const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  const auto begin = reinterpret_cast<std::uintptr_t>(bytes.data());
  const std::uintptr_t first = begin / page * page;
  static_cast<void>(::madvise(reinterpret_cast<void*>(first), begin + bytes.size() - first, kPopulateWrite));
}

}  // namespace intvit
