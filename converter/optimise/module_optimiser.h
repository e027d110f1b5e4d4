// Module-wise reconstruction (ADFQ-ViT, Jiang et al. 2024, section 5d, and what BRECQ, Li et al. 2021, and QDrop, Wei
// et al. 2022, have in common with it): module after module, the integers that were chosen for its layers are trained
// by gradients until what the quantized module adds to the residual stream is nearest to what the float network has
// there.
#pragma once

#include <map>
#include <vector>

#include "converter/observe/progress.h"
#include "converter/optimise/importance.h"
#include "converter/optimise/modules.h"
#include "converter/optimise/options.h"
#include "converter/weights/sequential.h"

namespace intvit {

// Of one module, on pictures that took no part: squared error of what it writes.
struct ModuleOutcome {
  std::string module;  // the name of its last layer
  double before = 0;
  double after = 0;  // `before` where nothing better was found, which leaves the module as it was
};

class ModuleOptimiser : public LayerRefiner {
 public:
  // `network` as optimise_weights() has it; all are kept by reference. The plan's activation codes
  // are learned, too, so optimise_weights() must be given the same plan.
  ModuleOptimiser(const FloatNetwork& network, Plan& plan, const PictureRun& run, const ModuleOptions& options);

  void begin_segment(int segment, const std::vector<SegmentState>& exact,
                     const std::vector<SegmentState>& quantized) override;
  void refine(int node, FloatNetwork& quantized, RoundedLayers& rounded) override;

  const std::vector<ModuleOutcome>& outcomes() const { return outcomes_; }

 private:
  using State = LiveTensors;
  struct Work;

  void advance_exact(NodeRange module);
  void advance(NodeRange module, const FloatNetwork& quantized);
  Work start(NodeRange module, FloatNetwork& quantized, const RoundedLayers& rounded) const;
  void optimise(NodeRange module, FloatNetwork& quantized, RoundedLayers& rounded);
  double held_out_error(Work& work);
  void iterate(Work& work, int t);
  void add_gradient(const Work& work, int picture, int t, Tape& tape, Gradients& sum) const;
  LearningStep step_at(int t) const;
  void put(Work& work, bool soft);
  void mix(int picture, int t, TensorId id, std::vector<float>& rows) const;
  bool held_out(int picture) const { return count_ >= 4 && picture % 4 == 3; }

  const FloatNetwork& network_;
  Plan& plan_;
  const int threads_;
  const Progress& progress_;
  const ModuleOptions& options_;
  const int count_;
  std::vector<NodeRange> modules_;                // of the segment
  std::vector<State> exact_, quantized_, after_;  // of all pictures: in front of the module, and the float one behind
  Importance importance_;
  std::vector<ModuleOutcome> outcomes_;
  int modules_done_ = 0, modules_all_ = 0;
};

}  // namespace intvit
