// What a contender measured, as a row of the results.
#pragma once

#include <vector>

#include "bench/vitbench/contender.h"
#include "bench/vitbench/report.h"
#include "intvit/model.h"

namespace intvit::bench {

// After run(). `model` is what the contender runs; `peaks` have one of its instruction set and threads.
Row make_row(const Contender& contender, const Model& model, const std::vector<MachinePeak>& peaks);

}  // namespace intvit::bench
