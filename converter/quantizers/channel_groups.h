// Channels in groups, each group with its own uniform quantizer: IGQ-ViT (Moon et al., CVPR 2024), section 4. The
// groups' bounds are fixed in calibration; which group a channel belongs to follows from its extremes in the picture at
// hand, so the same channel may be in different groups for different pictures.
// Assumes one quantizer per group on a grid that the whole tensor shares (scheme.h). Not for softmax rows
// (row_groups.h), and not for how many groups a layer gets (group_allocation.h).
#pragma once

#include <vector>

#include "converter/observe/segment_samples.h"
#include "converter/plan/scheme.h"

namespace intvit {

// Extremes of one channel in one picture: a point of the plane in which channels are grouped.
struct ChannelSpan {
  double low = 0;
  double high = 0;
};

// [picture * cols + channel]
std::vector<ChannelSpan> channel_spans(const TensorSamples& samples);

// Sum over all spans of the squared distance to the nearest bounds: what the alternation below minimises.
double span_distance(const std::vector<ChannelSpan>& spans, const std::vector<ChannelSpan>& bounds);

// Alternates between assigning every span to the nearest bounds (eq. 5) and moving the bounds to the means of their
// spans, until no assignment changes. Begins with the spans at equally spaced ranks of width. At most `groups` bounds,
// fewer if there are fewer distinct spans.
std::vector<ChannelSpan> alternate_bounds(const std::vector<ChannelSpan>& spans, int groups);

// What a group's bounds are made of. The paper's text is not at hand beyond "nearest bounds"; all three are readings.
enum class GroupBounds {
  mean,         // mean extremes of its spans; about half of all channels lose their extremes
  percentile,   // 90 % of its spans lie inside, at either end
  least_error,  // the bounds with the least squared error of the group's values
};

struct ChannelGroupOptions {
  int groups = 8;
  int bits = 4;
  int grid_bits = 8;  // of the common grid, 8..12
  // Values of a larger magnitude have no code: they do not count for errors, but for a channel's extremes. 0: none.
  double outlier = 0;
};

// importance: what an error of each channel counts (channel_error.h), [cols]. Every alternative of GroupBounds
// continues the alternation with its own bounds; returned is what had the least error on the way, by those weights.
ActivationScheme channel_groups(const TensorSamples& samples, const std::vector<double>& importance,
                                const ChannelGroupOptions& options);

// The same with one reading only.
ActivationScheme channel_groups(const TensorSamples& samples, const std::vector<double>& importance,
                                const ChannelGroupOptions& options, GroupBounds bounds);

// The common grid: it covers all parts.
UniformScheme grid_of(const std::vector<UniformScheme>& parts, int bits);

}  // namespace intvit
