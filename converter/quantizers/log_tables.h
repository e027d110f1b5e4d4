// TEMPORARY until wip-tables' logarithmic.h is merged: the same names.
#pragma once
#include "converter/scheme.h"
namespace intvit {
inline constexpr double kGeluMinimum = -0.16997124254703522;
enum class LogarithmBase { two, square_root_of_two };
TableScheme logarithmic_table(LogarithmBase base, double delta, int bits);
TableScheme shifted_logarithmic_table(LogarithmBase base, double delta, double shift, int bits);
}  // namespace intvit
