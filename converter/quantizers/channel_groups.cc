#include "converter/quantizers/channel_groups.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "converter/plan/rounding.h"
#include "converter/plan/simulate.h"
#include "converter/quantizers/clip_search.h"
#include "converter/quantizers/uniform.h"

namespace intvit {
namespace {

constexpr int kMostRounds = 40;      // of mean bounds; they settle after a handful
constexpr int kMostValueRounds = 6;  // of bounds that look at the values
constexpr std::size_t kMostGroupedValues = 600'000;

double distance(const ChannelSpan& a, const ChannelSpan& b) {
  return (a.low - b.low) * (a.low - b.low) + (a.high - b.high) * (a.high - b.high);
}

int nearest(const std::vector<ChannelSpan>& bounds, const ChannelSpan& span) {
  int best = 0;
  for (std::size_t g = 1; g < bounds.size(); ++g) {
    if (distance(bounds[g], span) < distance(bounds[static_cast<std::size_t>(best)], span)) best = static_cast<int>(g);
  }
  return best;
}

// The values of every (picture, channel), some of the rows, one channel after another.
struct ChannelValues {
  std::vector<ChannelSpan> spans;
  std::size_t per_span = 0;
  std::size_t channels = 0;
  std::vector<float> values;  // [spans][per_span]

  const float* at(std::size_t span) const { return values.data() + span * per_span; }
};

ChannelValues channel_values(const TensorSamples& samples, double outlier) {
  ChannelValues result;
  result.spans = channel_spans(samples);
  result.channels = static_cast<std::size_t>(samples.cols);
  const std::size_t rows = static_cast<std::size_t>(samples.rows);
  const std::size_t stride = std::max<std::size_t>(1, result.spans.size() * rows / kMostGroupedValues);
  result.per_span = (rows + stride - 1) / stride;
  result.values.reserve(result.spans.size() * result.per_span);
  for (const std::vector<float>& picture : samples.pictures) {
    for (std::size_t c = 0; c < result.channels; ++c) {
      for (std::size_t r = 0; r < rows; r += stride) {
        const float x = picture[r * result.channels + c];
        // Zero always has a code of its own, so it adds no error.
        result.values.push_back(outlier > 0 && std::abs(x) > outlier ? 0.0f : x);
      }
    }
  }
  return result;
}

using Assignment = std::vector<int>;

Assignment assign(const std::vector<ChannelSpan>& spans, const std::vector<UniformScheme>& parts) {
  Assignment groups(spans.size());
  for (std::size_t i = 0; i < spans.size(); ++i) groups[i] = nearest_part(parts, spans[i].low, spans[i].high);
  return groups;
}

// Around each channel's mean error, which the bias takes (weights/error_feedback.h).
double error_of(const ChannelValues& data, const std::vector<double>& importance,
                const std::vector<UniformScheme>& parts, const Assignment& groups, const UniformScheme& grid) {
  const float grid_scale = static_cast<float>(grid.scale), grid_inverse = 1 / grid_scale;
  const float grid_low = static_cast<float>(-grid.zero_point),
              grid_high = static_cast<float>(grid.highest_code() - grid.zero_point);
  double error = 0;
  std::vector<double> lost(data.channels, 0);
  for (std::size_t i = 0; i < data.spans.size(); ++i) {
    const UniformScheme& part = parts[static_cast<std::size_t>(groups[i])];
    const float scale = static_cast<float>(part.scale), inverse = 1 / scale;
    const float low = static_cast<float>(-part.zero_point),
                high = static_cast<float>(part.highest_code() - part.zero_point);
    const float* values = data.at(i);
    float sum = 0, squares = 0;
    for (std::size_t k = 0; k < data.per_span; ++k) {
      const float held = scale * rounded(std::clamp(values[k] * inverse, low, high));
      const float stored = grid_scale * rounded(std::clamp(held * grid_inverse, grid_low, grid_high));
      sum += values[k] - stored;
      squares += (values[k] - stored) * (values[k] - stored);
    }
    error += importance[i % data.channels] * squares;
    lost[i % data.channels] += sum;
  }
  const double per_channel = static_cast<double>(data.values.size() / std::max<std::size_t>(1, data.channels));
  for (std::size_t c = 0; c < data.channels; ++c) error -= importance[c] * lost[c] * lost[c] / per_channel;
  return error;
}

double percentile(std::vector<double> values, double p) {
  const auto rank = static_cast<std::size_t>(p * static_cast<double>(values.size() - 1) + 0.5);
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(rank), values.end());
  return values[rank];
}

// The values of one group as a histogram of channels' importance.
std::vector<WeightedValue> group_values(const ChannelValues& data, const std::vector<double>& importance,
                                        const Assignment& groups, int group, int bits) {
  double low = 0, high = 0;
  for (std::size_t i = 0; i < groups.size(); ++i) {
    if (groups[i] != group) continue;
    low = std::min(low, data.spans[i].low);
    high = std::max(high, data.spans[i].high);
  }
  if (!(high > low)) return {};
  const auto bins = static_cast<std::size_t>(std::max(512, 16 << bits));
  std::vector<double> weights(bins, 0);
  const double per_unit = static_cast<double>(bins - 1) / (high - low);
  for (std::size_t i = 0; i < groups.size(); ++i) {
    if (groups[i] != group) continue;
    const double weight = importance[i % data.channels];
    const float* values = data.at(i);
    for (std::size_t k = 0; k < data.per_span; ++k) {
      weights[static_cast<std::size_t>((values[k] - low) * per_unit + 0.5)] += weight;
    }
  }
  std::vector<WeightedValue> result;
  for (std::size_t b = 0; b < bins; ++b) {
    if (weights[b] > 0) result.push_back({low + static_cast<double>(b) / per_unit, weights[b]});
  }
  return result;
}

// The M step. A group without channels keeps its bounds.
std::vector<UniformScheme> moved(const ChannelValues& data, const std::vector<double>& importance,
                                 std::vector<UniformScheme> parts, const Assignment& groups, GroupBounds how,
                                 int bits) {
  for (std::size_t g = 0; g < parts.size(); ++g) {
    if (how == GroupBounds::least_error) {
      const std::vector<WeightedValue> values = group_values(data, importance, groups, static_cast<int>(g), bits);
      if (!values.empty()) parts[g] = least_error_range(values, bits);
      continue;
    }
    std::vector<double> lows, highs;
    for (std::size_t i = 0; i < groups.size(); ++i) {
      if (groups[i] != static_cast<int>(g)) continue;
      lows.push_back(data.spans[i].low);
      highs.push_back(data.spans[i].high);
    }
    if (lows.empty()) continue;
    const double count = static_cast<double>(lows.size());
    const bool mean = how == GroupBounds::mean;
    const double low = mean ? std::accumulate(lows.begin(), lows.end(), 0.0) / count : percentile(lows, 0.1);
    const double high = mean ? std::accumulate(highs.begin(), highs.end(), 0.0) / count : percentile(highs, 0.9);
    parts[g] = uniform_scheme(low, high, bits);
  }
  return parts;
}

struct Candidate {
  std::vector<UniformScheme> parts;
  double error = std::numeric_limits<double>::infinity();
};

// Goes on from `parts` with one kind of M step and keeps the best on the way.
Candidate refined(const ChannelValues& data, const std::vector<double>& importance, std::vector<UniformScheme> parts,
                  GroupBounds how, const ChannelGroupOptions& options) {
  Candidate best;
  Assignment groups = assign(data.spans, parts);
  for (int round = 0; round < kMostValueRounds; ++round) {
    parts = moved(data, importance, std::move(parts), groups, how, options.bits);
    Assignment next = assign(data.spans, parts);
    const double error = error_of(data, importance, parts, next, grid_of(parts, options.grid_bits));
    if (error < best.error) best = {parts, error};
    if (next == groups) break;
    groups = std::move(next);
  }
  return best;
}

ActivationScheme best_of(const TensorSamples& samples, const std::vector<double>& importance,
                         const ChannelGroupOptions& options, const std::vector<GroupBounds>& readings) {
  const ChannelValues data = channel_values(samples, options.outlier);
  std::vector<UniformScheme> start;
  for (const ChannelSpan& b : alternate_bounds(data.spans, options.groups)) {
    start.push_back(uniform_scheme(b.low, b.high, options.bits));
  }
  Candidate best;
  for (const GroupBounds how : readings) {
    Candidate candidate = refined(data, importance, start, how, options);
    if (candidate.error < best.error) best = std::move(candidate);
  }
  // Narrow groups first, for those who read plans.
  std::sort(best.parts.begin(), best.parts.end(),
            [](const UniformScheme& a, const UniformScheme& b) { return a.scale < b.scale; });
  ActivationScheme scheme;
  scheme.kind = CodeKind::channel_groups;
  scheme.bits = options.bits;
  scheme.grid = grid_of(best.parts, options.grid_bits);
  if (options.outlier > 0) {
    double low = scheme.grid.lowest(), high = scheme.grid.highest();
    for (const ChannelSpan& span : channel_spans(samples)) {
      low = std::min(low, span.low);
      high = std::max(high, span.high);
    }
    scheme.grid = grid_for(low, high, options.grid_bits);
    scheme.outlier = options.outlier;
  }
  scheme.parts = std::move(best.parts);
  return scheme;
}

}  // namespace

std::vector<ChannelSpan> channel_spans(const TensorSamples& samples) {
  const auto cols = static_cast<std::size_t>(samples.cols);
  std::vector<ChannelSpan> spans(samples.pictures.size() * cols);
  for (std::size_t p = 0; p < samples.pictures.size(); ++p) {
    const std::vector<float>& picture = samples.pictures[p];
    for (std::size_t i = 0; i < picture.size(); ++i) {
      ChannelSpan& span = spans[p * cols + i % cols];
      const double x = picture[i];
      span = i < cols ? ChannelSpan{x, x} : ChannelSpan{std::min(span.low, x), std::max(span.high, x)};
    }
  }
  return spans;
}

double span_distance(const std::vector<ChannelSpan>& spans, const std::vector<ChannelSpan>& bounds) {
  double sum = 0;
  for (const ChannelSpan& span : spans) sum += distance(span, bounds[static_cast<std::size_t>(nearest(bounds, span))]);
  return sum;
}

std::vector<ChannelSpan> alternate_bounds(const std::vector<ChannelSpan>& spans, int groups) {
  std::vector<ChannelSpan> sorted = spans;
  std::sort(sorted.begin(), sorted.end(), [](const ChannelSpan& a, const ChannelSpan& b) {
    const double width_a = a.high - a.low, width_b = b.high - b.low;
    return width_a != width_b ? width_a < width_b : a.low < b.low;
  });
  std::vector<ChannelSpan> bounds;
  for (int g = 0; g < groups; ++g) {
    const double rank = (g + 0.5) / groups * static_cast<double>(sorted.size());
    const ChannelSpan& span = sorted[std::min(sorted.size() - 1, static_cast<std::size_t>(rank))];
    const bool known = std::any_of(bounds.begin(), bounds.end(),
                                   [&](const ChannelSpan& b) { return b.low == span.low && b.high == span.high; });
    if (!known) bounds.push_back(span);
  }
  Assignment before;
  for (int round = 0; round < kMostRounds; ++round) {
    Assignment now(spans.size());
    std::vector<ChannelSpan> sums(bounds.size());
    std::vector<int> counts(bounds.size(), 0);
    for (std::size_t i = 0; i < spans.size(); ++i) {
      now[i] = nearest(bounds, spans[i]);
      const auto g = static_cast<std::size_t>(now[i]);
      sums[g].low += spans[i].low;
      sums[g].high += spans[i].high;
      ++counts[g];
    }
    if (now == before) break;
    before = std::move(now);
    for (std::size_t g = 0; g < bounds.size(); ++g) {
      if (counts[g] > 0) bounds[g] = {sums[g].low / counts[g], sums[g].high / counts[g]};
    }
  }
  return bounds;
}

UniformScheme grid_of(const std::vector<UniformScheme>& parts, int bits) {
  double low = 0, high = 0;
  for (const UniformScheme& part : parts) {
    low = std::min(low, part.lowest());
    high = std::max(high, part.highest());
  }
  return grid_for(low, high, bits);
}

ActivationScheme channel_groups(const TensorSamples& samples, const std::vector<double>& importance,
                                const ChannelGroupOptions& options) {
  return best_of(samples, importance, options, {GroupBounds::mean, GroupBounds::percentile, GroupBounds::least_error});
}

ActivationScheme channel_groups(const TensorSamples& samples, const std::vector<double>& importance,
                                const ChannelGroupOptions& options, GroupBounds bounds) {
  return best_of(samples, importance, options, {bounds});
}

}  // namespace intvit
