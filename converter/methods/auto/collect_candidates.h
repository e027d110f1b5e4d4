// All the quantizers that `auto` lets compete, each with its error behind the next multiplication.
#pragma once

#include <vector>

#include "converter/methods/auto/candidates.h"
#include "converter/methods/method.h"
#include "converter/methods/sampled_segment.h"

namespace intvit {

// Where candidates come from: `plans` are those of other methods, whose schemes compete; beyond them, tables whose
// levels are the best there are for the samples of what each plan of `relevelled` (indices) makes of a tensor, tables
// and tokens of equalised LayerNorm outputs (unless `relevelled` is empty), all tables with and without the method's
// share of values aside, and relative softmax tables. Without `tables` nothing competes that looks its codes up, and
// softmax rows do not. All schemes are widened by `margin`. Query, key and value never compete. With
// `fewer_weight_bits`, weights of 4 bits compete with those of input.weight_bits.
struct CandidateSources {
  std::vector<const Plan*> plans;
  std::vector<std::size_t> relevelled;
  bool tables = true;
  double margin = 0;
  bool fewer_weight_bits = false;
};

// With ranges longer by that share of their length on both sides of zero, in steps that much coarser. A range that has
// been searched ends where the samples do, and other pictures reach beyond; with 8 bits the steps cost less than that.
ActivationScheme widened(ActivationScheme scheme, double margin);

// The contests of one segment, appended to `contests`.
void collect_candidates(const MethodInput& input, const CandidateSources& sources, SampledSegment& segment,
                        std::vector<Contest>& contests);

}  // namespace intvit
