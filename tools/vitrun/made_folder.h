// The folder that --attention and --dump write their files to.
#pragma once

#include <string>

#include "intvit/status.h"

namespace intvit {

// Makes the folder if it is not there. invalid_argument if it is something else, or cannot be made; `what` is what will
// be written to it, for the message.
Status make_folder(const std::string& what, const std::string& folder);

}  // namespace intvit
