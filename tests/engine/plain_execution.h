// A second session, as plain as docs/arithmetic.md: one picture, one element after another, whole numbers where the
// session has rows with strides, planes of bytes, shared memory and shares of threads. Slow, and of small programs
// only.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/program/program.h"

namespace intvit::test {

// What a buffer held after the last operation that wrote it: [rows][columns], two planes of bytes as one number.
using PlainBuffers = std::vector<std::vector<std::int32_t>>;

// A row of an attention's softmax.
struct PlainAttentionRow {
  std::size_t set, head, query;
  std::vector<std::int32_t> values;
  std::uint32_t divisor;
};

// If `attentions` is there, it gets the rows of every attention.
PlainBuffers execute_plainly(const Program& program, std::span<const std::uint8_t> picture,
                             std::vector<std::vector<PlainAttentionRow>>* attentions = nullptr);

}  // namespace intvit::test
