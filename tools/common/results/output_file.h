// Whether a result can be written: worth knowing before hours of work.
#pragma once

#include <string>

#include "intvit/status.h"

namespace intvit {

// invalid_argument if there can be no file of that name, or if something else than a file has it, which a rename would
// replace. `what` is what is written, "the logits". An empty path: nothing will be written.
Status check_output_file(const std::string& what, const std::string& path);

}  // namespace intvit
