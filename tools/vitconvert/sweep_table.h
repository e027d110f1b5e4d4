// How `vitconvert sweep` prints what it found out.
#pragma once

#include <ostream>

#include "tools/vitconvert/sweep/sweep.h"

namespace intvit {

enum class SweepFormat { table, markdown, csv, json };

void print_sweep(std::ostream& out, SweepFormat format, const SweepInput& input, const SweepReport& report);

}  // namespace intvit
