// Whether a result can be written: worth knowing before hours of work.
#pragma once

#include <string>

#include "intvit/status.h"

namespace intvit {

// invalid_argument if write_file_atomically() cannot write a file of that name, as far as that can be known before.
// `what` is what is written, "the logits". An empty path: nothing will be written.
Status check_output_file(const std::string& what, const std::string& path);

}  // namespace intvit
