// What a model file says of its own conversion (engine/format/metadata.h).
#pragma once

#include "converter/convert/convert.h"
#include "converter/convert/prepare.h"

namespace intvit {

// Everything but what verification and latency find out.
Metadata describe(const ConvertOptions& options, const Preparation& preparation, int pictures,
                  const Conversion& conversion);

// Those figures, from `conversion` into its metadata.
void add_figures(const ConvertOptions& options, Conversion& conversion);

}  // namespace intvit
