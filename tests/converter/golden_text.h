// Golden texts: lines of words and numbers that were recorded once, and are compared with room for float rounding.
//   1.2340e-02  with an exponent: within 1 part in 500
//   0.123       with a point: within 0.02; for shares
//   1.2dB       within 2.5 dB
//   all else    exactly
#pragma once

#include <span>
#include <string>
#include <vector>

namespace intvit {

std::string relative_number(double value);
std::string share_number(double value);
std::string decibels(double value);

// Count, first, middle and last, root mean square; mean and mean over a ramp from -1 to 1 as shares of it. The ramp
// sees what is in the wrong order.
std::string summary(std::span<const double> values);

// What differs, line by line, at most a few; empty where nothing does.
std::string differences(const std::vector<std::string>& expected, const std::vector<std::string>& got);

}  // namespace intvit
