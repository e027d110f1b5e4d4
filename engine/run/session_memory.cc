#include "engine/run/session_memory.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "engine/ops/scratch.h"
#include "engine/run/prefault.h"
#include "engine/tensors/limits.h"

namespace intvit {
namespace {

// Null if there is not enough memory. `bytes` is a multiple of kScratchAlignment.
std::uint8_t* aligned_zeros(std::size_t bytes) {
  bytes = std::max(bytes, kScratchAlignment);
  void* p = std::aligned_alloc(kScratchAlignment, bytes);
  if (p == nullptr) return nullptr;
  prefault({static_cast<std::uint8_t*>(p), bytes});
  std::memset(p, 0, bytes);
  return static_cast<std::uint8_t*>(p);
}

std::size_t most_scratch_bytes(const Program& program) {
  std::size_t most = 0;
  for (const Step& step : program.steps) most = std::max(most, step.op->scratch_bytes(program));
  return most;
}

}  // namespace

void SessionMemory::FreeAligned::operator()(std::uint8_t* p) const { std::free(p); }

SessionMemory::SessionMemory(const Program& program, int threads, int batch)
    : kept_bytes_(align_scratch(program.kept_bytes)),
      arena_bytes_(align_scratch(program.arena_bytes)),
      scratch_bytes_(align_scratch(most_scratch_bytes(program))) {
  const auto members = static_cast<std::size_t>(threads), pictures = static_cast<std::size_t>(batch);
  const std::size_t arenas = pictures >= members ? members : 1;
  if (std::max({arenas * arena_bytes_, pictures * kept_bytes_, members * scratch_bytes_}) > kMaxArenaBytes * 8) return;
  // Padding columns only ever meet zero weights (validate() checks that), but memory should not be read uninitialised.
  arenas_.reset(aligned_zeros(arenas * arena_bytes_));
  kept_.reset(aligned_zeros(pictures * kept_bytes_));
  if (arenas_ == nullptr || kept_ == nullptr) return;
  scratch_.reset(aligned_zeros(members * scratch_bytes_));
}

}  // namespace intvit
