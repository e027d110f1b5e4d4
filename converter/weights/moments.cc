#include "converter/weights/moments.h"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <new>

#include "converter/float/layers.h"
#include "converter/float/parallel.h"

namespace intvit {

std::vector<double> column_means(const float* data, int rows, int cols) {
  std::vector<double> mean(static_cast<std::size_t>(cols), 0);
  for (int r = 0; r < rows; ++r) {
    for (int c = 0; c < cols; ++c) mean[static_cast<std::size_t>(c)] += data[static_cast<std::ptrdiff_t>(r) * cols + c];
  }
  for (double& m : mean) m /= std::max(rows, 1);
  return mean;
}

std::vector<float> cross_covariance(const float* a, int cols_a, const float* b, int cols_b, int rows, int threads) {
  const std::vector<double> mean_a = column_means(a, rows, cols_a), mean_b = column_means(b, rows, cols_b);
  std::vector<float> centred(static_cast<std::size_t>(rows) * static_cast<std::size_t>(cols_b));
  for (int r = 0; r < rows; ++r) {
    for (int c = 0; c < cols_b; ++c) {
      const std::ptrdiff_t at = static_cast<std::ptrdiff_t>(r) * cols_b + c;
      centred[static_cast<std::size_t>(at)] = static_cast<float>(b[at] - mean_b[static_cast<std::size_t>(c)]);
    }
  }
  std::vector<float> product(static_cast<std::size_t>(cols_a) * static_cast<std::size_t>(cols_b));
  std::atomic<bool> ok = true;
  constexpr int kBlock = 64;  // columns of a per task: the same work whatever the number of threads
  parallel_for(threads, (cols_a + kBlock - 1) / kBlock, [&](int task) {
    const OneThreadPerTask pinned;
    const int first = task * kBlock, count = std::min(kBlock, cols_a - first);
    std::vector<float> transposed(static_cast<std::size_t>(count) * static_cast<std::size_t>(rows));
    for (int r = 0; r < rows; ++r) {
      for (int c = 0; c < count; ++c) {
        transposed[static_cast<std::size_t>(c) * static_cast<std::size_t>(rows) + static_cast<std::size_t>(r)] =
            static_cast<float>(a[static_cast<std::ptrdiff_t>(r) * cols_a + first + c] -
                               mean_a[static_cast<std::size_t>(first + c)]);
      }
    }
    if (!multiply({transposed.data(), rows}, {centred.data(), cols_b}, false, 1.0f / static_cast<float>(rows), false,
                  count, cols_b, rows, product.data() + static_cast<std::ptrdiff_t>(first) * cols_b, cols_b)) {
      ok = false;
    }
  });
  if (!ok) throw std::bad_alloc();
  return product;
}

Moments moments_of(const float* data, int rows, int cols, int threads) {
  return {cols, static_cast<double>(rows), column_means(data, rows, cols),
          cross_covariance(data, cols, data, cols, rows, threads)};
}

}  // namespace intvit
