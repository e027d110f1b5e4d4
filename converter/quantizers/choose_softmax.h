// The softmax table with the least error at the attention's output.
#pragma once

#include <vector>

#include "converter/errors/attention_error.h"
#include "converter/plan/scheme.h"

namespace intvit {

// The best of `candidates` in every head, or one that is best in all heads together, put into `scheme`. With
// `centroids`, the levels of the few best are refitted as means of what they stand for.
SoftmaxScheme choose(const AttentionError& error, SoftmaxScheme scheme, const std::vector<TableScheme>& candidates,
                     bool per_head, bool centroids, int threads);

}  // namespace intvit
