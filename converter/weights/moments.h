// First and second moments of a layer's inputs: all that rounding with error feedback and the ridge correction need to
// know of them.
#pragma once

#include <vector>

namespace intvit {

struct Moments {
  int inputs = 0;
  double count = 0;               // rows seen
  std::vector<double> mean;       // [inputs]
  std::vector<float> covariance;  // [inputs][inputs]
};

// Of rows x cols values.
Moments moments_of(const float* data, int rows, int cols, int threads);

// [cols_a][cols_b]: mean over the rows of (a - mean a) (b - mean b). The same for every number of threads.
std::vector<float> cross_covariance(const float* a, int cols_a, const float* b, int cols_b, int rows, int threads);

std::vector<double> column_means(const float* data, int rows, int cols);

}  // namespace intvit
