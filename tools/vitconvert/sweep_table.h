// How `vitconvert sweep` prints what it found out.
#pragma once

#include <ostream>

#include "tools/common/cli/output_format.h"
#include "tools/vitconvert/sweep/sweep.h"

namespace intvit {

void print_sweep(std::ostream& out, OutputFormat format, const SweepInput& input, const SweepReport& report);

}  // namespace intvit
