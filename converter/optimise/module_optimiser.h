// Module-wise reconstruction (ADFQ-ViT, Jiang et al. 2024, section 5d, and what BRECQ, Li et al. 2021, and QDrop, Wei
// et al. 2022, have in common with it): module after module, the integers that were chosen for its layers are trained
// by gradients until what the quantized module adds to the residual stream is nearest to what the float network has
// there (reconstruction.h).
#pragma once

#include <vector>

#include "converter/observe/progress.h"
#include "converter/optimise/importance.h"
#include "converter/optimise/modules.h"
#include "converter/optimise/options.h"
#include "converter/optimise/reconstruction.h"
#include "converter/weights/sequential.h"

namespace intvit {

class ModuleOptimiser : public LayerRefiner {
 public:
  // `network` as optimise_weights() has it; all are kept by reference. The plan's activation codes
  // are learned, too, so optimise_weights() must be given the same plan. What is learned comes from `state`, where it
  // has that, and is kept there; null: neither.
  ModuleOptimiser(const FloatNetwork& network, Plan& plan, const PictureRun& run, const LearningOptions& options,
                  TrainingState* state);

  void begin_segment(int segment, const std::vector<SegmentState>& exact,
                     const std::vector<SegmentState>& quantized) override;
  void refine(int node, FloatNetwork& quantized, RoundedLayers& rounded) override;

  const std::vector<ReconstructionOutcome>& outcomes() const { return outcomes_; }

 private:
  using State = LiveTensors;

  void advance(NodeRange module, const FloatNetwork& quantized);
  void optimise(NodeRange module, FloatNetwork& quantized, RoundedLayers& rounded);

  const FloatNetwork& network_;
  Plan& plan_;
  const int threads_;
  const Progress& progress_;
  const LearningOptions& options_;
  TrainingState* const state_;
  std::vector<NodeRange> modules_;                // of the segment
  std::vector<State> exact_, quantized_, after_;  // of all pictures: in front of the module, and the float one behind
  Importance importance_;
  std::vector<ReconstructionOutcome> outcomes_;
  int modules_done_ = 0, modules_all_ = 0;
  int kept_ = 0;  // modules that `state` has, which take no time
};

}  // namespace intvit
