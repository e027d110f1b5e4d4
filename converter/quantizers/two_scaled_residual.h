// O-2SF of TSPTQ-ViT (Tai et al., ICASSP 2023): the input of a LayerNorm, which is the residual stream, in few bits
// with two step sizes: one for most channels, and one 2^coarse_shift times as large for the few channels with outliers.
// How the paper finds those channels was not at hand; here they are the n widest, and n, the shift and the step are
// those with the least error behind the LayerNorm.
// All tensors of a stream share one unit of 16-bit integers, so every step is a power of two times half its unit:
// with unit u, step = u 2^g with 1 <= g and g + coarse_shift <= 16 - bits. The search keeps to that.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "converter/graph/layers.h"
#include "converter/plan/scheme.h"

namespace intvit {

class ResidualSearch {
 public:
  // largest: the magnitude that the stream must hold.
  ResidualSearch(double largest, int bits, int threads);

  // rows: sample rows of a tensor, in front of the LayerNorm that reads it; magnitudes: of every channel, over all
  // rows.
  void add(const std::string& name, const std::vector<double>& magnitudes, const std::vector<float>& rows,
           const FloatLayerNorm& norm, double eps);

  // The schemes of all tensors that were added.
  std::map<std::string, ResidualScheme> best() const;

 private:
  // The base step is one of a few in one octave; each has its own best schemes.
  struct Base {
    double step;
    double error = 0;
    std::map<std::string, ResidualScheme> schemes;
  };
  int bits_;
  int threads_;
  std::vector<Base> bases_;
};

// Mean squared difference behind the LayerNorm, as a share of the mean square there.
double layer_norm_error(const ResidualScheme& scheme, const std::vector<float>& rows, const FloatLayerNorm& norm,
                        double eps);

}  // namespace intvit
