// Reconstruction of a part of the network (BRECQ, Li et al. 2021; QDrop, Wei et al. 2022): the integers that were
// chosen for its layers and codes are trained by gradients until what the quantized part writes is nearest to what the
// float network has there.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "converter/optimise/importance.h"
#include "converter/optimise/options.h"
#include "converter/optimise/tape.h"
#include "converter/optimise/training_state.h"
#include "converter/weights/quantize.h"

namespace intvit {

// Of all pictures, in the same order. Every fourth picture takes no part in the learning, and is what is judged by.
struct Reconstruction {
  std::uint32_t part;  // of a TrainingState
  NodeRange range;
  std::vector<TensorId> targets;              // what is compared; nodes of the range write it
  const std::vector<LiveTensors>& exact;      // in front of the range, in the float network
  const std::vector<LiveTensors>& quantized;  // and in the quantized one
  const std::vector<LiveTensors>& wanted;     // the targets in the float network
  const Importance& importance;               // how much the error of each value of the targets counts
};

// Squared error of the targets on the pictures that took no part, weighed by importance.
struct ReconstructionOutcome {
  std::string module;  // the name of the range's last layer
  double before = 0;
  double after = 0;  // `before` where nothing better was found, which leaves the range as it was
};

class Reconstructor {
 public:
  // All are kept by reference. The plan's activation codes are learned, too. What `state` has of the range need not be
  // learned again; null: there is none. `begin_iteration` is told the number of each iteration, from 1 on.
  Reconstructor(const FloatNetwork& network, Plan& plan, int threads, const LearningOptions& options,
                TrainingState* state, std::function<void(int)> begin_iteration)
      : network_(network),
        plan_(plan),
        threads_(threads),
        options_(options),
        state_(state),
        begin_iteration_(std::move(begin_iteration)) {}

  // `quantized` and `rounded` as LayerRefiner has them. Nothing if no layer of the range is in `rounded`.
  std::optional<ReconstructionOutcome> run(const Reconstruction& of, FloatNetwork& quantized, RoundedLayers& rounded);

 private:
  struct Work;

  Work start(const Reconstruction& of, FloatNetwork& quantized, const RoundedLayers& rounded) const;
  Work resume(const Reconstruction& of, FloatNetwork& quantized, const RoundedLayers& rounded);
  template <typename Stream>
  void visit_state(Stream& stream, Work& work);
  void keep(Work& work);
  template <typename Measure>
  double held_out_mean(Work& work, const Measure& measure) const;
  double held_out_error(Work& work) const;
  double held_out_divergence(Work& work) const;
  void iterate(Work& work, int t);
  void judge(Work& work);
  void add_gradient(Work& work, std::size_t worker, int picture, int t, Gradients& sum) const;
  LearningStep step_at(int t) const;
  void put(Work& work, bool soft);
  void mix(const Reconstruction& of, int picture, int t, TensorId id, std::vector<float>& rows) const;

  const FloatNetwork& network_;
  Plan& plan_;
  const int threads_;
  const LearningOptions& options_;
  TrainingState* const state_;
  const std::function<void(int)> begin_iteration_;
};

}  // namespace intvit
