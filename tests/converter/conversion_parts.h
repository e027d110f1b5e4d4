// What tests ask of a conversion.
#pragma once

#include <string_view>
#include <vector>

#include "converter/convert/convert.h"

namespace intvit {

// Of one output, as the conversion verified it.
double sqnr_db(const Conversion& conversion, std::string_view output = "logits");

// Of all outputs, in the network's order: what the model's ports give against the float network. The ports must be the
// network's outputs.
std::vector<double> port_sqnr_db(const FloatNetwork& network, const Conversion& conversion, PictureSource& pictures);

}  // namespace intvit
