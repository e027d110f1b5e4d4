// Where the time of a run goes: per step of the program, and summed by kind of operation.
#pragma once

#include <string>
#include <vector>

#include "engine/program/program.h"

namespace intvit::bench {

struct ProfileRow {
  std::string layer;  // empty in a sum over layers
  std::string op;     // "linear", ...
  int steps = 1;
  double milliseconds = 0;  // per run
  double share = 0;         // of all steps, in percent
};

// One row per step, in the order of the program.
std::vector<ProfileRow> profile_by_layer(const Program& program, const std::vector<std::uint64_t>& nanoseconds,
                                         std::size_t runs);

// One row per kind of operation, the largest first.
std::vector<ProfileRow> profile_by_op(const std::vector<ProfileRow>& layers);

}  // namespace intvit::bench
