// Scales of one head's query, key, value and result -> the integers of kernels/attention/attention.h.
#pragma once

#include <array>
#include <cstdint>

#include "converter/plan/plan.h"
#include "engine/ops/attention.h"
#include "intvit/status.h"

namespace intvit {

// In the order of AttentionParameter. unsupported for scales out of range.
Result<std::array<std::int32_t, kAttentionParameters>> attention_parameters(const UniformScheme& query,
                                                                            const UniformScheme& key,
                                                                            const UniformScheme& value,
                                                                            const UniformScheme& out, int head_dim);

}  // namespace intvit
