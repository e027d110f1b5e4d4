#include "converter/quantizers/value_balance.h"

#include <algorithm>
#include <cmath>

namespace intvit {
namespace {

constexpr double kTail = 0.0005;  // of a channel's values lies outside its range, at either end
constexpr double kMostFactor = 8;

struct Range {
  double low, high;
};

std::vector<Range> channel_ranges(const SiteSamples& samples) {
  const auto cols = static_cast<std::size_t>(samples.cols);
  std::vector<Range> ranges;
  std::vector<float> column;
  for (std::size_t c = 0; c < cols; ++c) {
    column.clear();
    for (const std::vector<float>& picture : samples.pictures) {
      for (std::size_t i = c; i < picture.size(); i += cols) column.push_back(picture[i]);
    }
    const auto cut = static_cast<std::ptrdiff_t>(kTail * static_cast<double>(column.size()));
    std::nth_element(column.begin(), column.begin() + cut, column.end());
    const double low = column[static_cast<std::size_t>(cut)];
    std::nth_element(column.begin(), column.end() - 1 - cut, column.end());
    ranges.push_back({low, *(column.end() - 1 - cut)});
  }
  return ranges;
}

}  // namespace

Equalisation value_balance(const SiteSamples& values, const SiteSamples& attention_output) {
  const std::vector<Range> of_values = channel_ranges(values), of_output = channel_ranges(attention_output);
  const auto mean_width = [](const std::vector<Range>& ranges) {
    double sum = 0;
    for (const Range& r : ranges) sum += r.high - r.low;
    return sum / static_cast<double>(ranges.size());
  };
  const double value_width = mean_width(of_values), output_width = mean_width(of_output);
  Equalisation result;
  for (std::size_t c = 0; c < of_values.size(); ++c) {
    const double value = of_values[c].high - of_values[c].low, output = of_output[c].high - of_output[c].low;
    double scale = 1;
    if (value > 0 && output > 0) {  // and so are the means
      scale = std::clamp(std::sqrt(value / value_width * (output / output_width)), 1 / kMostFactor, kMostFactor);
    }
    result.scale.push_back(scale);
    result.offset.push_back((of_values[c].high + of_values[c].low) / 2 / scale);
  }
  return result;
}

}  // namespace intvit
