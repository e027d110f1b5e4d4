// --selftest: whether a model gives the same bits with every instruction set and number of threads of this machine, and
// those that it gave where it was converted.
#pragma once

#include <memory>
#include <ostream>

#include "intvit/model.h"
#include "intvit/status.h"
#include "tools/vitrun/vitrun_options.h"

namespace intvit {

// Prints to `out` and returns the exit code.
Result<int> run_selftest(const VitrunOptions& options, const std::shared_ptr<const Model>& model, std::ostream& out);

}  // namespace intvit
