// timm's preprocessing values -> the integers that engine/image/ works with.
#pragma once

#include "intvit/input_geometry.h"
#include "intvit/status.h"
#include "models/preprocessing.h"

namespace intvit {

// unsupported for an interpolation or crop mode that the engine does not have.
Result<InputGeometry> input_geometry(const Preprocessing& preprocessing);

}  // namespace intvit
