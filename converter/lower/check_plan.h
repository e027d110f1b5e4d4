// Whether a plan, which a user may have edited, names a quantizer for every site of a network, and only such as the
// engine executes.
#pragma once

#include "converter/plan/plan.h"
#include "intvit/status.h"
#include "models/vit.h"

namespace intvit {

// invalid_argument (something is missing) or unsupported; the message names the site.
Status check_plan(const VitDescription& vit, const Plan& plan);

}  // namespace intvit
