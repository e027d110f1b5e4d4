#include "converter/plan/scheme.h"

namespace intvit {

ActivationScheme uniform(const UniformScheme& grid) { return {CodeKind::uniform, grid.bits, grid}; }

}  // namespace intvit
