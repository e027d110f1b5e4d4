// --summarise: adds what --eval printed of several lists, or of several shares of one.
#pragma once

#include "tools/vitrun/vitrun_options.h"

namespace intvit {

// The exit code. Files have the summary of --format json, or lines of pictures as jsonl or csv has them; counts are
// integers, so that the sums are exactly those of a single run.
int summarise(const VitrunOptions& options);

}  // namespace intvit
