// Option values such as "1,2,4" or "avx2,avx512vnni".
#pragma once

#include <string>
#include <vector>

#include "intvit/status.h"

namespace intvit {

// The words between the commas. An empty word, as in "1,,2", is an error; `option` is named in it.
Result<std::vector<std::string>> parse_names(const std::string& option, const std::string& text);

// Whole numbers of low..high.
Result<std::vector<int>> parse_numbers(const std::string& option, const std::string& text, int low, int high);

}  // namespace intvit
