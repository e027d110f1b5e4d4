// The error of softmax quantizers where it matters, at the output of the attention: |A V - A^ V^|^2 over sample rows,
// with the values as their own codes hold them, and every channel weighted by what proj makes of it. Assumes the
// samples of one attention (observe/segment_samples.h). Rows are sampled: the first and every n-th of a picture.
#pragma once

#include <vector>

#include "converter/observe/segment_samples.h"
#include "converter/plan/plan.h"

namespace intvit {

class AttentionError {
 public:
  // Samples of the probabilities and of the values, the schemes of the values (one per head), and the weight of every
  // channel (column_powers of proj).
  AttentionError(const TensorSamples& probabilities, const TensorSamples& exact, const ActivationSchemes& values,
                 const std::vector<double>& weights, int threads);

  int heads() const { return heads_; }

  // Of one head; only tables[0] or tables[head], as in the scheme.
  double of(const SoftmaxScheme& scheme, int head) const;

  // What the error may be compared with: the squared exact output of all heads, weighted in the same way.
  double power() const;

  // All sampled probabilities of one head, as they are or relative to their row's largest.
  std::vector<float> samples(int head, bool relative) const;

 private:
  struct Picture {
    std::vector<float> probabilities;  // [rows_][keys_]
    std::vector<float> values;         // [keys_][width_], quantized
    std::vector<float> output;         // [rows_][width_], exact
  };
  const Picture& at(int head, int picture) const {
    return pictures_[static_cast<std::size_t>(head * count_ + picture)];
  }

  int heads_, count_, keys_, width_, rows_ = 0, threads_;
  std::vector<Picture> pictures_;  // [heads_][count_]
};

}  // namespace intvit
