// Buffers of lists of values aside (kernels/aside/aside.h): s16, one list a row. K follows from their columns.
#pragma once

#include "engine/ops/checker.h"
#include "kernels/aside/aside.h"

namespace intvit {

inline std::uint32_t most_aside(const Buffer& lists) { return (lists.columns - 1) / 2; }

// `lists` has one for each row of `codes`. Null if it does not, and the checker knows.
const Buffer* check_aside(Checker& c, BufferId lists, const Buffer& codes);

}  // namespace intvit
