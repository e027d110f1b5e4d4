// Class names from a text file, one per line, line i for class i. LF and CRLF both end a line, and a byte order mark
// may come first.
#pragma once

#include <string>
#include <vector>

#include "intvit/status.h"

namespace intvit {

// not_found, io, unsupported if it has more than 64 MiB, or invalid_argument if the number of lines is not `classes`.
Result<std::vector<std::string>> read_labels(const std::string& path, int classes);

}  // namespace intvit
