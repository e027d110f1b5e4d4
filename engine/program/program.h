// A model is a program: a list of fused integer operations over a few buffers and many constants. The converter
// compiles a network into it, the file stores it, and the session executes it; nothing here knows an architecture.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/ops/op.h"
#include "engine/tensors/tensors.h"

namespace intvit {

// An operation and the layer of the network that it came from, e.g. "blocks.3.attn.qkv".
struct Step {
  std::string layer;
  Op op;
};

struct Program : Tensors {
  std::vector<Step> steps;
  // By plan_memory(); no part of a file.
  std::uint64_t arena_bytes = 0;  // of all buffers of a picture that are needed while it runs
  std::uint64_t kept_bytes = 0;   // of those that every picture of a batch keeps: the ports'
};

}  // namespace intvit
