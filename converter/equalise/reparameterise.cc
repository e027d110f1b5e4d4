#include "converter/equalise/reparameterise.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "converter/errors/layer_error.h"
#include "converter/errors/sample_rows.h"
#include "converter/float/parallel.h"
#include "converter/observe/histogram.h"
#include "converter/plan/simulate.h"
#include "converter/quantizers/uniform.h"

namespace intvit {
namespace {

// Those of our reading of SOSF, and what leaves the channels as they are.
constexpr std::array kExponents = {1.0, 0.9, 0.8, 0.75, 0.7, 0.6, 0.5, 0.25, 0.0};
constexpr std::array kMost = {4.0, 8.0, 16.0, 32.0};
// Of the range of x', from either end.
constexpr std::array kShrinks = {1.0, 0.92, 0.84, 0.76, 0.68, 0.6};

constexpr int kSampleRows = 512;
// Rules whose clipping is searched.
constexpr std::size_t kFinalists = 8;

// A channel narrower than this share of the others, or of its own distance from zero, is a constant: its factor would
// only blow up rounding errors of single precision.
constexpr double kDeadShare = 1e-4;

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

// The scale s_c of every channel; 0 for constants.
std::vector<double> channel_scales(const ChannelRanges& ranges, int bits) {
  std::vector<double> widths(ranges.low.size());
  for (std::size_t c = 0; c < widths.size(); ++c) widths[c] = ranges.high[c] - ranges.low[c];
  const double usual = median(widths);
  for (std::size_t c = 0; c < widths.size(); ++c) {
    const double largest = std::max(std::abs(ranges.low[c]), std::abs(ranges.high[c]));
    const bool constant = !(widths[c] > kDeadShare * largest && widths[c] > kDeadShare * usual);
    widths[c] = constant ? 0 : widths[c] / ((1 << bits) - 1);
  }
  return widths;
}

double common_scale(const std::vector<double>& scales, CommonScale which) {
  std::vector<double> live;
  std::copy_if(scales.begin(), scales.end(), std::back_inserter(live), [](double s) { return s > 0; });
  if (live.empty()) return 1;
  if (which == CommonScale::mean)
    return std::accumulate(live.begin(), live.end(), 0.0) / static_cast<double>(live.size());
  const double middle = median(live);
  if (which == CommonScale::median) return middle;
  std::vector<double> deviations;
  for (const double s : live) deviations.push_back(std::abs(s - middle));
  const double most = 3 * median(deviations);
  std::erase_if(live, [&](double s) { return std::abs(s - middle) > most; });
  return live.empty() ? middle : median(live);
}

}  // namespace

ChannelRanges channel_ranges(const TensorSamples& samples, int bits, int threads) {
  const auto channels = static_cast<std::size_t>(samples.cols);
  ChannelRanges ranges{std::vector<double>(channels), std::vector<double>(channels)};
  parallel_for(threads, samples.cols, [&](int c) {
    std::vector<float> values;
    for (const std::vector<float>& picture : samples.pictures) {
      for (std::size_t i = static_cast<std::size_t>(c); i < picture.size(); i += channels) values.push_back(picture[i]);
    }
    Histogram histogram;
    histogram.add(values.data(), values.size());
    const auto at = static_cast<std::size_t>(c);
    double least = -1;
    for (const double p : kPercentiles) {
      const double low = histogram.quantile(1 - p), high = histogram.quantile(p);
      if (least < 0) {
        ranges.low[at] = low;
        ranges.high[at] = high;
      }
      if (!(high - low > kDeadShare * std::max(std::abs(low), std::abs(high)))) break;
      const double scale = (high - low) / ((1 << bits) - 1);
      const double error = squared_error(histogram, {bits, scale, static_cast<int>(std::lround(-low / scale))});
      if (least >= 0 && error >= least) continue;
      least = error;
      ranges.low[at] = low;
      ranges.high[at] = high;
    }
  });
  return ranges;
}

Reparameterisation reparameterise(const ChannelRanges& ranges, CommonScale common, int bits) {
  const std::vector<double> scales = channel_scales(ranges, bits);
  const int highest = (1 << bits) - 1;
  std::vector<double> zero_points(scales.size());
  double sum = 0, live = 0;
  for (std::size_t c = 0; c < scales.size(); ++c) {
    if (scales[c] == 0) continue;
    zero_points[c] = std::round(-ranges.low[c] / scales[c]);
    sum += zero_points[c];
    live += 1;
  }
  Reparameterisation result;
  // The published code leaves the mean zero point a fraction; integers need a whole one.
  const double zero_point = live > 0 ? std::clamp(std::round(sum / live), 0.0, static_cast<double>(highest)) : 0;
  result.scheme = {bits, common_scale(scales, common), static_cast<int>(zero_point)};
  // Constants count as channels of the mean scale, so that their weights, too, only change together with all others.
  const double usual = common_scale(scales, CommonScale::mean);
  for (std::size_t c = 0; c < scales.size(); ++c) {
    const bool constant = scales[c] == 0;
    const double scale = (constant ? usual : scales[c]) / result.scheme.scale;
    result.equalisation.scale.push_back(scale);
    result.equalisation.offset.push_back(constant ? (ranges.low[c] + ranges.high[c]) / 2 / scale
                                                  : result.scheme.scale * (zero_point - zero_points[c]));
  }
  return result;
}

std::vector<ScaleRule> scale_rules() {
  std::vector<ScaleRule> rules;
  for (const double exponent : kExponents) {
    // Without a clip the common scale changes nothing.
    rules.push_back({CommonScale::mean, exponent});
    for (const double most : kMost) {
      for (const CommonScale common : {CommonScale::mean, CommonScale::median, CommonScale::inlier_median}) {
        rules.push_back({common, exponent, most});
      }
    }
  }
  return rules;
}

Equalisation partial_equalisation(const ChannelRanges& ranges, const ScaleRule& rule, int bits) {
  const std::vector<double> scales = channel_scales(ranges, bits);
  const double common = common_scale(scales, rule.common);
  Equalisation e;
  double widest = 0;
  for (const double s : scales) {
    const double power = s > 0 ? std::pow(s / common, rule.exponent) : 1;
    e.scale.push_back(std::clamp(power, 1 / rule.most, rule.most));
    widest = std::max(widest, s / e.scale.back());
  }
  // An even number of codes reaches half a step further below zero than above.
  const double centre = -widest / 2;
  for (std::size_t c = 0; c < scales.size(); ++c) {
    const double middle = (ranges.low[c] + ranges.high[c]) / 2 / e.scale[c];
    e.offset.push_back(scales[c] > 0 ? middle - centre : middle);
  }
  return e;
}

Reparameterisation best_reparameterisation(const TensorSamples& samples, const FloatLinear& layer,
                                           const WeightScheme& weights, int bits, Offsets offsets, int threads) {
  const OneThreadPerTask pinned;
  ChannelRanges ranges = channel_ranges(samples, bits, threads);
  if (offsets == Offsets::none) {
    for (std::size_t c = 0; c < ranges.low.size(); ++c) {
      ranges.high[c] = std::max(std::abs(ranges.low[c]), std::abs(ranges.high[c]));
      ranges.low[c] = -ranges.high[c];
    }
  }
  const auto equalisation = [&](const ScaleRule& rule) {
    Equalisation e = partial_equalisation(ranges, rule, bits);
    if (offsets == Offsets::none) std::fill(e.offset.begin(), e.offset.end(), 0.0);
    return e;
  };
  const std::vector<float> rows = sample_rows(samples, kSampleRows);
  const FloatLinear outputs = some_outputs(layer);
  const std::vector<ScaleRule> rules = scale_rules();
  // All rules roughly, with the plain ranges of weights.
  std::vector<double> errors(rules.size());
  parallel_for(threads, static_cast<int>(rules.size()), [&](int i) {
    const auto at = static_cast<std::size_t>(i);
    const LayerError error(rows, outputs, equalisation(rules[at]), {weights.bits, WeightRange::max});
    errors[at] = error.of(percentile_scheme(error.inputs(), bits));
  });
  std::vector<std::size_t> order(rules.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return errors[a] < errors[b]; });
  order.resize(std::min(kFinalists, order.size()));
  if (std::find(order.begin(), order.end(), std::size_t{0}) == order.end()) order.back() = 0;
  // The best ones in earnest.
  std::vector<Reparameterisation> finalists(order.size());
  errors.assign(order.size(), 0);
  parallel_for(threads, static_cast<int>(order.size()), [&](int i) {
    const auto at = static_cast<std::size_t>(i);
    Reparameterisation& one = finalists[at];
    one.equalisation = equalisation(rules[order[at]]);
    const LayerError error(rows, outputs, one.equalisation, weights);
    Histogram histogram;
    for (const std::vector<float>& picture : samples.pictures) {
      const std::vector<float> inputs = equalised(picture, one.equalisation);
      histogram.add(inputs.data(), inputs.size());
    }
    one.scheme = percentile_scheme(histogram, bits);
    errors[at] = error.of(one.scheme);
    for (const double shrink : kShrinks) {
      const UniformScheme scheme = uniform_scheme(shrink * histogram.min(), shrink * histogram.max(), bits);
      const double candidate = error.of(scheme);
      if (candidate < errors[at]) {
        errors[at] = candidate;
        one.scheme = scheme;
      }
    }
  });
  return finalists[static_cast<std::size_t>(std::min_element(errors.begin(), errors.end()) - errors.begin())];
}

}  // namespace intvit
