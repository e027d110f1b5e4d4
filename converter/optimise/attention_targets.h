// How far the attention rows of a range are from the float network's (ADFQ-ViT's attention-score term): a row is what a
// query gives to all keys, after softmax.
#pragma once

#include <vector>

#include "converter/optimise/tape.h"

namespace intvit {

// The float network's rows, one picture at a time. One thread.
class AttentionTargets {
 public:
  // The network is kept by reference, and is the float one.
  AttentionTargets(const FloatNetwork& network, NodeRange range);

  bool empty() const { return probabilities_.empty(); }

  // Runs the range's attentions on what a picture has in front of the range.
  void run(const LiveTensors& in_front);

  // Kullback-Leibler divergence of the rows of `other`, which has run the same range, from these: the sum of p log(p /
  // q) over all keys, queries and heads, in nats. q is what it was before it became a code, since codes may be zero.
  double divergence(const Tape& other) const;

  // Adds its gradient, `share` times, to those of the probabilities of `other`, between begin_backward() and
  // backward().
  void add_gradient(float share, Tape& other) const;

 private:
  std::vector<TensorId> probabilities_;
  std::vector<TensorId> entries_;
  Tape tape_;
};

}  // namespace intvit
