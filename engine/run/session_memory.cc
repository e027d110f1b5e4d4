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

SessionSizes::SessionSizes(const Program& program, int threads, int batch, std::uint64_t attention)
    : kept_bytes(align_scratch(program.kept_bytes)),
      arena_bytes(align_scratch(program.arena_bytes)),
      scratch_bytes(align_scratch(most_scratch_bytes(program))),
      attention_bytes(align_scratch(attention)),
      pictures(static_cast<std::uint64_t>(batch)),
      arenas(batch >= threads ? static_cast<std::uint64_t>(threads) : 1),
      members(static_cast<std::uint64_t>(threads)) {}

bool SessionSizes::too_large() const {
  return std::max({arenas * arena_bytes, pictures * kept_bytes, members * scratch_bytes, pictures * attention_bytes}) >
         kMaxArenaBytes * 8;
}

std::uint64_t SessionSizes::total() const {
  return arenas * arena_bytes + pictures * (kept_bytes + attention_bytes) + members * scratch_bytes;
}

SessionMemory::SessionMemory(const SessionSizes& sizes) : sizes_(sizes) {
  if (sizes.too_large()) return;
  // Padding columns only ever meet zero weights (validate() checks that), but memory should not be read uninitialised.
  arenas_ = aligned_zeros(sizes.arenas * sizes.arena_bytes);
  kept_ = aligned_zeros(sizes.pictures * sizes.kept_bytes);
  attention_ = aligned_zeros(sizes.pictures * sizes.attention_bytes);
  if (arenas_ == nullptr || kept_ == nullptr || attention_ == nullptr) return;
  scratch_ = aligned_zeros(sizes.members * sizes.scratch_bytes);
}

}  // namespace intvit
