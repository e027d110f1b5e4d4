// One segment of the network as methods see it: its samples, its layers and attentions, and what several methods make
// of them, computed when it is first asked for. So contestants of `auto` share it.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "converter/errors/attention_error.h"
#include "converter/methods/method.h"
#include "converter/observe/attention_samples.h"
#include "converter/observe/segment_samples.h"

namespace intvit {

// A linear_input that the segment produces.
struct SampledInput {
  TensorId tensor;
  const Node* producer;
  const Node* linear;  // behind it
  // What that layer makes of one row: its weights, or where it reads several rows as one, an output for each of them.
  const FloatLinear* layer;

  template <typename Kind>
  bool from() const {
    return producer->as<Kind>() != nullptr;
  }
};

struct SampledAttention {
  TensorId query, key, value, probabilities, attended;
  int heads;
  const FloatLinear* proj;  // that reads the attended values, as SampledInput::layer
};

class SampledSegment {
 public:
  // The network and the samples are kept by reference.
  SampledSegment(const MethodInput& input, const SegmentSamples& samples);

  const int index;
  const SegmentSamples& samples;
  const FloatNetwork& network;

  const TensorSamples& at(TensorId id) const { return samples.at(id); }
  const std::string& name(TensorId id) const { return network.at(id).name; }

  // Of an attention: as `at` has them or, where it has windows, each window as a picture.
  const TensorSamples& probabilities_of(const SampledAttention& attention);
  const TensorSamples& values_of(const SampledAttention& attention);

  // Those that can have codes of every kind, in the order of execution. The others keep the uniform ones of the plan
  // that a method begins with.
  const std::vector<SampledInput>& linear_inputs() const { return linear_inputs_; }
  const std::vector<SampledAttention>& attentions() const { return attentions_; }

  // The linear inputs that nodes of one kind produce.
  template <typename Kind>
  std::vector<SampledInput> inputs_from() const {
    std::vector<SampledInput> found;
    for (const SampledInput& input : linear_inputs_) {
      if (input.from<Kind>()) found.push_back(input);
    }
    return found;
  }

  // Uniform codes clipped by the error behind the next multiplication, where calibration's histograms only know the
  // error of the values themselves: of queries and keys (the error of their product), values (behind proj), and all
  // linear inputs that no LayerNorm produces (behind their layer).
  const std::map<TensorId, ActivationSchemes>& clipped();
  void put_clipped(Plan& plan);

  // Of softmax quantizers, behind proj, with clipped values.
  const AttentionError& attention_error(const SampledAttention& attention);

 private:
  const FloatLinear& layer_behind(TensorId id);

  const MethodInput& input_;
  std::vector<SampledInput> linear_inputs_;
  std::vector<SampledAttention> attentions_;
  struct Windows {
    const Node* node;
    TensorSamples probabilities, values;  // empty until they are asked for
  };
  std::map<TensorId, Windows> windows_;           // of attentions that have some, by probabilities
  std::map<TensorId, FloatLinear> split_layers_;  // of those that read several rows as one, by what they read
  std::map<TensorId, ActivationSchemes> clipped_;
  std::map<TensorId, AttentionError> attention_errors_;  // by probabilities
};

}  // namespace intvit
