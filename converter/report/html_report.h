// One self-contained page about a conversion: what was done, how far it is from float, and the error of every
// quantizer.
#pragma once

#include <string>

#include "converter/convert/convert.h"

namespace intvit {

std::string html_report(const Conversion& conversion);

}  // namespace intvit
