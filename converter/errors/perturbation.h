// How much single quantizers change the network's predictions: the mean over some pictures of KL(float || quantized),
// when everything else stays float. Costs one forward run per trial and picture, from the trial's block on.
#pragma once

#include <vector>

#include "converter/float/network.h"
#include "converter/observe/picture_source.h"
#include "converter/observe/progress.h"
#include "converter/plan/plan.h"

namespace intvit {

class Perturbation {
 public:
  // Keeps the float streams of the first `most` pictures. The network is kept by reference.
  static Result<Perturbation> make(const FloatNetwork& network, PictureSource& pictures, int most, int threads);

  // A plan with schemes in one block only; -1: anywhere but in the embedding.
  struct Trial {
    int block = 0;
    Plan plan = {};
  };

  // [trials]. The same for every number of threads.
  std::vector<double> of(const std::vector<Trial>& trials) const;

 private:
  explicit Perturbation(const FloatNetwork& network, int threads) : network_(&network), threads_(threads) {}

  const FloatNetwork* network_;
  int threads_;
  // [picture][block]: the stream before the block.
  std::vector<std::vector<std::vector<float>>> streams_;
  std::vector<std::vector<double>> log_probabilities_;  // [picture][classes]
};

}  // namespace intvit
