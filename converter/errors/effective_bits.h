// How many bits a value of the activations really takes, values that are kept aside included. Of a site with codes of b
// bits and a share p of its values aside: (1 - p) b + p (g + i), where g is 8 or, on grids of more bits and on side
// paths, 16, and i bits name the column.
#pragma once

#include <map>
#include <string>

#include "converter/graph/network.h"
#include "converter/observe/picture_run.h"
#include "converter/plan/plan.h"

namespace intvit {

struct EffectiveBits {
  double activations = 0;               // the mean over the values of all sites with codes, but probabilities
  std::map<std::string, double> aside;  // the share of values aside, of sites that have such
};

// `network` has the plan's equalisations folded in. Shares are of the first `kEffectivePictures` pictures, which are
// read only if the plan has values aside. Deterministic for any number of threads.
inline constexpr int kEffectivePictures = 8;
Result<EffectiveBits> measure_effective_bits(const FloatNetwork& network, const Plan& plan, const PictureRun& run);

// Of one site; `share` of its values are aside.
double effective_bits(const ActivationScheme& scheme, double share, int columns);

}  // namespace intvit
