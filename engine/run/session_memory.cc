#include "engine/run/session_memory.h"

#include <algorithm>
#include <cstdlib>

#include "engine/ops/scratch.h"
#include "engine/run/prefault.h"
#include "engine/tensors/limits.h"

namespace intvit {
namespace {

std::size_t most_scratch_bytes(const Program& program) {
  std::size_t most = 0;
  for (const Step& step : program.steps) most = std::max(most, step.op->scratch_bytes(program));
  return most;
}

}  // namespace

void SessionMemory::FreeAllocated::operator()(std::uint8_t*) const { std::free(allocated); }

// calloc() knows which of its memory is fresh from the system and thus zero.
SessionMemory::AlignedMemory SessionMemory::aligned_zeros(std::size_t bytes) {
  void* const allocated = std::calloc(bytes + kScratchAlignment, 1);
  if (allocated == nullptr) return {};
  std::uint8_t* p = static_cast<std::uint8_t*>(allocated);
  p += kScratchAlignment - reinterpret_cast<std::uintptr_t>(p) % kScratchAlignment;
  prefault({p, bytes});
  return AlignedMemory(p, FreeAllocated{allocated});
}

SessionMemory::SessionMemory(const Program& program, int threads, int batch)
    : kept_bytes_(align_scratch(program.kept_bytes)),
      arena_bytes_(align_scratch(program.arena_bytes)),
      scratch_bytes_(align_scratch(most_scratch_bytes(program))) {
  const auto members = static_cast<std::size_t>(threads), pictures = static_cast<std::size_t>(batch);
  const std::size_t arenas = pictures >= members ? members : 1;
  if (std::max({arenas * arena_bytes_, pictures * kept_bytes_, members * scratch_bytes_}) > kMaxArenaBytes * 8) return;
  // Padding columns only ever meet zero weights (validate() checks that), but memory should not be read uninitialised.
  arenas_ = aligned_zeros(arenas * arena_bytes_);
  kept_ = aligned_zeros(pictures * kept_bytes_);
  if (arenas_ == nullptr || kept_ == nullptr) return;
  scratch_ = aligned_zeros(members * scratch_bytes_);
}

}  // namespace intvit
