// What the float network holds inside one block, for all calibration pictures: for methods that need more than a
// histogram (channels, tokens, pairs of tensors). Blocks come one after another, each is computed once, and only one is
// in memory: some 2 MB per picture for a DeiT-Tiny, 10 MB for a ViT-Base.
#pragma once

#include <functional>
#include <map>
#include <vector>

#include "converter/float/network.h"
#include "converter/float/sites.h"
#include "converter/observe/picture_run.h"

namespace intvit {

struct SiteSamples {
  int rows = 0;  // per picture; shapes as in float/sites.h
  int cols = 0;
  std::vector<std::vector<float>> pictures;  // [pictures][rows * cols]
};

struct BlockSamples {
  int block = 0;
  // All sites of the block. The residual stream is there as it leaves the block (Site::residual) and in its middle;
  // `input` is the stream that enters the block.
  std::map<Site, SiteSamples> sites;
  SiteSamples input;

  const SiteSamples& at(Site site) const { return sites.at(site); }
};

Status for_each_block(const FloatNetwork& network, const PictureRun& run,
                      const std::function<void(const BlockSamples&)>& use);

}  // namespace intvit
