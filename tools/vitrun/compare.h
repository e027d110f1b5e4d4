// What vitrun does with embeddings: --similarity compares all pictures with each other, --query finds the nearest ones.
#pragma once

#include <memory>

#include "intvit/isa.h"
#include "intvit/model.h"
#include "tools/vitrun/vitrun_options.h"

namespace intvit {

// Both print to stdout and return the exit code; an error that ends everything is the status.
Result<int> print_similarity(const VitrunOptions& options, const std::shared_ptr<const Model>& model, Isa isa);
Result<int> print_nearest(const VitrunOptions& options, const std::shared_ptr<const Model>& model, Isa isa);

}  // namespace intvit
