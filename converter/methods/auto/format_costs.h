// What formats cost on this machine: a network without all the segments that are like the candidate's is lowered once
// for every kind of candidate, everything else plain, and timed beside the same network without the candidate. Costs
// depend on the kind of a format (codes, bits of its grid, number of groups) and of the tensor (its name within its
// segment and its shape), not on the format's numbers.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "converter/graph/network.h"
#include "converter/methods/auto/candidates.h"
#include "converter/methods/auto/choose_within.h"
#include "converter/observe/picture_source.h"
#include "converter/observe/progress.h"
#include "intvit/isa.h"

namespace intvit {

// Milliseconds of one picture on one thread, and megabytes (10^6 bytes) of the file.
enum Cost { kMilliseconds = 0, kMegabytes = 1 };

class FormatCosts {
 public:
  // `plain` is a plan of the whole network, which is kept by reference.
  static Result<FormatCosts> measure(const FloatNetwork& network, const Plan& plain,
                                     const std::vector<Contest>& contests, PictureSource& pictures, Isa isa,
                                     const Progress& progress);

  // Of a candidate more than of the plain plan's there.
  const Costs& of(const Contest& contest, const Candidate& candidate) const;

 private:
  explicit FormatCosts(const FloatNetwork& network) : network_(&network) {}

  const FloatNetwork* network_;
  std::map<std::string, Costs> costs_;
};

// Of a whole network under a plan, weights rounded to nearest.
Result<Costs> measure_costs(const FloatNetwork& network, const Plan& plan, PictureSource& pictures, Isa isa,
                            const Progress& progress);

}  // namespace intvit
