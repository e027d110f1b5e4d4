// --stats: how often values end at the ends of their codes, and how often lists of values aside are too short. Counted
// in what operations leave in their buffers, so that the engine runs as always.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "intvit/isa.h"
#include "intvit/model.h"
#include "intvit/status.h"
#include "tools/vitrun/vitrun_options.h"

namespace intvit {

// One buffer as one step of the program leaves it.
struct SiteStats {
  std::string site;                // "blocks.3.norm1 layer_norm", the layer and the operation
  std::uint32_t highest_code = 0;  // 0 of lists
  std::int64_t values = 0;         // codes that were counted, or rows of lists
  std::int64_t lowest = 0;         // codes 0
  std::int64_t highest = 0;        // codes highest_code
  std::int64_t aside = 0;          // values that lists have, or would have if they were longer
  std::int64_t overflowed = 0;     // lists that are too short
};

// Codes of one plane alone: of two planes none says where its grid ends. In the order of the program. The errors of
// Session::create(), and those of a picture.
Result<std::vector<SiteStats>> count_stats(const Model& model, Isa isa, int threads,
                                           const std::vector<std::vector<std::uint8_t>>& pictures);

// Prints to stdout and returns the exit code.
Result<int> print_stats(const VitrunOptions& options, const Model& model, Isa isa);

}  // namespace intvit
