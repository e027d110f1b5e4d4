// All modules together: what is learned of activation codes, weights' scales and biases is trained by gradients that go
// through the whole quantized network, until its output is nearest to the float network's. No labels are needed.
// (Joint optimisation from the output: arXiv 2602.18861. Theirs learns codes of weights, too, on many more pictures.)
#pragma once

#include <optional>
#include <vector>

#include "converter/observe/progress.h"
#include "converter/optimise/live_tensors.h"
#include "converter/optimise/options.h"
#include "converter/optimise/reconstruction.h"
#include "converter/weights/sequential.h"

namespace intvit {

class NetworkOptimiser : public LayerRefiner {
 public:
  // As ModuleOptimiser.
  NetworkOptimiser(const FloatNetwork& network, Plan& plan, const PictureRun& run, const LearningOptions& options,
                   TrainingState* state)
      : network_(network),
        plan_(plan),
        threads_(run.threads),
        progress_(run.progress),
        options_(options),
        state_(state) {}

  void begin_segment(int segment, const std::vector<SegmentState>& exact,
                     const std::vector<SegmentState>& quantized) override;
  void end(FloatNetwork& quantized, RoundedLayers& rounded) override;

  const std::optional<ReconstructionOutcome>& outcome() const { return outcome_; }

 private:
  const FloatNetwork& network_;
  Plan& plan_;
  const int threads_;
  const Progress& progress_;
  const LearningOptions& options_;
  TrainingState* const state_;
  std::vector<LiveTensors> exact_, quantized_;  // of all pictures, in front of the first segment that is sampled
  std::optional<ReconstructionOutcome> outcome_;
};

// Nodes behind the part that reads pixels.
NodeRange behind_pixels(const FloatNetwork& network);

}  // namespace intvit
