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
  double gmac = 0;          // billions of multiply-accumulates per run

  double gmac_per_s() const { return milliseconds > 0 ? gmac * 1e3 / milliseconds : 0; }
};

// One row per step, in the order of the program. `nanoseconds` are of all `runs` of `batch` pictures.
std::vector<ProfileRow> profile_by_layer(const Program& program, const std::vector<std::uint64_t>& nanoseconds,
                                         std::size_t runs, int batch);

// One row per kind of operation, the largest first.
std::vector<ProfileRow> profile_by_op(const std::vector<ProfileRow>& layers);

}  // namespace intvit::bench
