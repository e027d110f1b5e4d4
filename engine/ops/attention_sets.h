// Which rows of an attention attend to each other, as a constant: s32 [1 + sets * 4 + entries], how many sets there
// are, the numbers of each (kernels/attention/attention.h), and the list of rows that they are of.
#pragma once

#include <cstdint>
#include <string>

#include "engine/ops/checker.h"
#include "kernels/attention/attention.h"

namespace intvit {

struct AttentionSetFacts {
  std::string complaint;  // empty: the constant holds sets
  std::uint32_t sets = 0;
  std::uint32_t queries = 0;  // rows [0, queries) are queries of one set each
  std::uint32_t rows = 0;     // no row is as large as this
  std::uint32_t most_keys = 0;
  std::uint32_t biases = 0;    // of a head, that the sets reach
  std::uint64_t products = 0;  // of a query and a key
  bool has_pads = false;
  std::uint32_t local_rows = 0;  // if set s is the rows [s * local_rows, (s + 1) * local_rows) and no others
};

// In time proportional to the constant's size.
AttentionSetFacts attention_set_facts(const Constant& sets);

// The sets of a constant that has passed attention_set_facts().
kernels::AttentionSets attention_sets(const Constant& sets);

}  // namespace intvit
