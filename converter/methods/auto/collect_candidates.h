// All the quantizers that `auto` lets compete for every place, each with its error behind the next multiplication.
#pragma once

#include <vector>

#include "converter/methods/auto/candidates.h"
#include "converter/methods/method.h"

namespace intvit {

// `plans` are those of other methods, whose schemes compete; beyond them, tables whose levels are the best there are
// for the samples of what each plan of `relevelled` (indices) makes of a place, and relative softmax tables.
// Query, key and value do not compete; they are as in `settled`. With `fewer_weight_bits`, weights of 4 bits compete
// with those of input.weight_bits.
struct Contest {
  const std::vector<Plan>& plans;
  std::vector<std::size_t> relevelled;
  const Plan& settled;
  bool fewer_weight_bits;
};

Result<std::vector<Place>> collect_places(const MethodInput& input, const Contest& contest);

}  // namespace intvit
