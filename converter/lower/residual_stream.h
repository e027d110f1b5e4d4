// What 16 bits hold in integers: the unit of a residual stream, steps of its own where a plan gives it fewer bits, and
// the unit of other values.
#pragma once

#include "converter/graph/network.h"
#include "converter/lower/linear_lowering.h"
#include "converter/lower/program_builder.h"
#include "converter/plan/plan.h"
#include "engine/ops/coarse_steps.h"

namespace intvit {

// The real value of one step of a stream of 16 bits. Where the stream has coarser steps of its own, all of them are
// this one times powers of two (check_plan), and the finest is two of it.
double residual_unit(const FloatNetwork& network, const Stream& stream, const Plan& plan,
                     const LinearLowering& linears);

// The same of values whose largest magnitude is known.
double unit_of_values(double magnitude);

// The finest unit of values that are made of a linear layer's sums, as requantization only makes steps coarser.
// `sum_unit` is the largest real value of one unit of the sums.
double least_unit(double sum_unit);

// Those of a residual, whose constants go to `builder`; none where the plan has no scheme for it.
CoarseSteps coarse_steps(const Plan& plan, const Tensor& residual, double unit, ProgramBuilder& builder);

}  // namespace intvit
