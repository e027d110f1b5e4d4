// What the float network holds inside one segment, for all calibration pictures: for methods that need more than a
// histogram (channels, tokens, pairs of tensors). Segments come one after another, each is computed once, and only one
// is in memory: some 2 MB per picture for a DeiT-Tiny's block, 10 MB for a ViT-Base's.
#pragma once

#include <functional>
#include <map>
#include <vector>

#include "converter/graph/network.h"
#include "converter/observe/picture_run.h"

namespace intvit {

struct TensorSamples {
  int rows = 0;  // per picture
  int cols = 0;
  std::vector<std::vector<float>> pictures;  // [pictures][rows * cols]
};

struct SegmentSamples {
  int segment = 0;
  // All tensors that the segment's nodes write, and those in front of it that somebody still reads.
  std::map<TensorId, TensorSamples> tensors;

  const TensorSamples& at(TensorId id) const { return tensors.at(id); }
};

// Calls `use` for every segment that is `sampled`.
Status for_each_segment(const FloatNetwork& network, const PictureRun& run,
                        const std::function<void(const SegmentSamples&)>& use);

}  // namespace intvit
