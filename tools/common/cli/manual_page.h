// A manual page in roff, section 1, for man.
#pragma once

#include <string>

#include "tools/common/cli/command_text.h"

namespace intvit {

std::string manual_page(const CommandText& tool);

}  // namespace intvit
