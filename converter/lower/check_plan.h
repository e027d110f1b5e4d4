// Whether a plan, which a user may have edited, names a quantizer for every tensor of a network that needs one, and
// only such as the engine executes.
#pragma once

#include "converter/graph/network.h"
#include "converter/plan/plan.h"
#include "intvit/status.h"

namespace intvit {

// invalid_argument (something is missing) or unsupported; the message names the tensor or node.
Status check_plan(const FloatNetwork& network, const Plan& plan);

// Whether the engine executes codes of that kind at a tensor that has_codes().
bool executes(const FloatNetwork& network, TensorId codes, CodeKind kind);

// Whether the engine puts a residual on steps of its own: only where it is the patch embedding's, or has just been
// added to.
bool can_have_steps(const FloatNetwork& network, TensorId residual);

}  // namespace intvit
