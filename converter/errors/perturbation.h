// How much single quantizers change what the network gives, when everything else stays float: the mean over some
// pictures of KL(float || quantized) of the predictions; of a network without logits, of the squared error of the
// output that it is judged by, relative to that output's power. Costs one forward run per trial and picture, from the
// trial's segment on.
#pragma once

#include <vector>

#include "converter/float/forward.h"
#include "converter/graph/network.h"
#include "converter/observe/picture_source.h"
#include "converter/observe/progress.h"
#include "converter/plan/plan.h"

namespace intvit {

class Perturbation {
 public:
  // Keeps the float states of the first `most` pictures. The network is kept by reference.
  static Result<Perturbation> make(const FloatNetwork& network, PictureSource& pictures, int most, int threads);

  // A plan with schemes in one segment only, behind the embedding, which is segment 0; -1: anywhere but in the
  // embedding.
  struct Trial {
    int segment = 1;
    Plan plan = {};
  };

  // [trials]. The same for every number of threads.
  std::vector<double> of(const std::vector<Trial>& trials) const;

 private:
  explicit Perturbation(const FloatNetwork& network, int threads) : network_(&network), threads_(threads) {}

  const FloatNetwork* network_;
  int threads_;
  std::vector<std::vector<SegmentState>> states_;  // [picture][segment]: in front of the segment; of 0 nothing
  std::vector<std::vector<double>> references_;    // [picture]: logarithms of probabilities, or the output's values
};

}  // namespace intvit
