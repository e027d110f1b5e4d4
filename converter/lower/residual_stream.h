// The residual stream in integers: its unit, and steps of its own where a plan gives it fewer than 16 bits.
#pragma once

#include "converter/lower/program_builder.h"
#include "converter/plan/plan.h"
#include "engine/ops/coarse_steps.h"

namespace intvit {

// The real value of one step of the 16-bit stream. Where the stream has coarser steps of its own, all of them are this
// one times powers of two (check_plan), and the finest is two of it.
double residual_unit(const Plan& plan);

// Those of a site, whose constants go to `builder`; none where the plan has no scheme for it.
CoarseSteps coarse_steps(const Plan& plan, const std::string& site, double unit, int channels, ProgramBuilder& builder);

}  // namespace intvit
