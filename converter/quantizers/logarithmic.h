// Logarithmic quantizers: q = round(-log(a / delta)) to the base 2 or sqrt 2, for softmax outputs (RepQ-ViT, Li et al.,
// ICCV 2023) and, shifted by the least value of GELU, for its outputs (Shift-Log2 of ADFQ-ViT, Jiang et al.,
// arXiv 2407.02763). The published code has 2^bits logarithmic levels and then one for zero; here zero is one of the
// 2^bits levels. The shift is a constant and not, as in the published code, the least value of the batch.
#pragma once

#include "converter/observe/histogram.h"
#include "converter/plan/scheme.h"

namespace intvit {

// The least value of GELU.
inline constexpr double kGeluMinimum = -0.16997124254703522;

enum class LogarithmBase { two, square_root_of_two };

// Levels 0, ..., delta / base, delta for values from 0 on.
TableScheme logarithmic_table(LogarithmBase base, double delta, int bits);

// The same for x - shift; the lowest level is the shift.
TableScheme shifted_logarithmic_table(LogarithmBase base, double delta, double shift, int bits);

// delta between quantiles of the values, as the published code searches it, by the least squared error.
TableScheme best_logarithmic_table(LogarithmBase base, const Histogram& values, int bits);
TableScheme best_shifted_logarithmic_table(LogarithmBase base, const Histogram& values, double shift, int bits);

}  // namespace intvit
