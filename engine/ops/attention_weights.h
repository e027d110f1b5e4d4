// What an attention pays attention to (intvit/attention.h): its softmax once more, by the law.
#pragma once

#include "engine/ops/execution.h"
#include "kernels/attention/attention.h"

namespace intvit {

// Writes the rows that `args` is about. Its scratch memory is used, so the kernel runs before it or after it.
void write_attention_weights(const kernels::AttentionArgs& args, std::int64_t head, const AttentionWeights& to);

}  // namespace intvit
