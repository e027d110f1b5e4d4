// The angles by which rotary positions turn queries and keys.
#pragma once

#include "converter/graph/node.h"
#include "models/vit.h"

namespace intvit {

// Of the patches behind the prefix tokens, which stay as they are. vit.rotary must not be none, and the head size a
// multiple of 4: half of the pairs are turned by where a patch lies vertically, half by where horizontally.
Rotate rotary_angles(const VitDescription& vit);

}  // namespace intvit
