// The weights of attention layers that a session is asked for: how much memory they are, and where in it they lie.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/ops/execution.h"
#include "engine/program/program.h"
#include "intvit/attention.h"
#include "intvit/status.h"

namespace intvit {

// Of one picture.
class AttentionMemory {
 public:
  // `layers` are those of the program, `asked` numbers of some, in any order.
  AttentionMemory(const Program& program, const std::vector<AttentionLayer>& layers, const std::vector<int>& asked);

  // invalid_argument: one of `asked` does not exist.
  static Status check(const std::vector<AttentionLayer>& layers, const std::vector<int>& asked);
  // More than anybody can have is kTooMany, and not more.
  static std::uint64_t bytes(const std::vector<AttentionLayer>& layers, const std::vector<int>& asked);
  static constexpr std::uint64_t kTooMany = std::uint64_t{1} << 40;

  // Where a step writes in a picture's memory; nothing of a step that nobody asks.
  AttentionWeights of_step(std::size_t step, std::uint8_t* memory) const;
  // invalid_argument: there is no such layer, or nobody has asked for it.
  Result<AttentionView> view(std::size_t layer, const std::uint8_t* memory) const;

 private:
  static constexpr std::uint64_t kNowhere = UINT64_MAX;
  struct Place {
    std::uint64_t divisors = kNowhere, weights = 0;
  };

  const std::vector<AttentionLayer>& layers_;
  std::vector<Place> places_;           // of every layer
  std::vector<std::uint32_t> of_step_;  // the layer of every step; empty: nobody asks
};

}  // namespace intvit
