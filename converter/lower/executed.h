// Which nodes of a float network have no operation of the engine.
#pragma once

#include "converter/graph/network.h"
#include "intvit/status.h"

namespace intvit {

// unsupported, naming the first node of a network that is not executed in integers.
Status check_executed(const FloatNetwork& network);

}  // namespace intvit
