#include "converter/weights/cholesky.h"

#include <cmath>
#include <cstddef>

#include "converter/float/parallel.h"
#include "converter/float/vectors/vector_functions.h"

namespace intvit {
namespace {

constexpr int kRowsPerTask = 16;

std::size_t at(int i, int j, int n) {
  return static_cast<std::size_t>(i) * static_cast<std::size_t>(n) + static_cast<std::size_t>(j);
}

}  // namespace

bool cholesky(SquareMatrix& a, int n, int threads) {
  const auto dot = vector_functions().dot;
  for (int j = 0; j < n; ++j) {
    double* row_j = &a[at(j, 0, n)];
    const double diagonal = row_j[j] - dot(row_j, row_j, j);
    if (!(diagonal > 0)) return false;
    row_j[j] = std::sqrt(diagonal);
    const auto below = [&](int i) {
      double* row_i = &a[at(i, 0, n)];
      row_i[j] = (row_i[j] - dot(row_i, row_j, j)) / row_j[j];
    };
    const int rows = n - 1 - j;
    if (rows * j < 1 << 16) {
      for (int i = j + 1; i < n; ++i) below(i);
    } else {
      parallel_for(threads, (rows + kRowsPerTask - 1) / kRowsPerTask, [&](int task) {
        for (int r = task * kRowsPerTask; r < (task + 1) * kRowsPerTask && r < rows; ++r) below(j + 1 + r);
      });
    }
  }
  return true;
}

void invert_lower(SquareMatrix& l, int n, int threads) {
  const auto dot = vector_functions().dot;
  // Column j of the inverse needs columns of l only; rows are written back transposed first, so that both are read in
  // order.
  SquareMatrix columns(l.size(), 0);  // [j][i] = inverse[i][j]
  parallel_for(threads, n, [&](int j) {
    double* x = &columns[at(j, 0, n)];
    x[j] = 1 / l[at(j, j, n)];
    for (int i = j + 1; i < n; ++i) {
      const double* row = &l[at(i, 0, n)];
      x[i] = -dot(row + j, x + j, i - j) / row[i];
    }
  });
  for (int i = 0; i < n; ++i) {
    for (int j = 0; j <= i; ++j) l[at(i, j, n)] = columns[at(j, i, n)];
  }
}

void solve_lower(const SquareMatrix& l, int n, double* b) {
  const auto dot = vector_functions().dot;
  for (int i = 0; i < n; ++i) {
    const double* row = &l[at(i, 0, n)];
    b[i] = (b[i] - dot(row, b, i)) / row[i];
  }
  for (int i = n - 1; i >= 0; --i) {
    b[i] /= l[at(i, i, n)];
    const double* row = &l[at(i, 0, n)];
    for (int k = 0; k < i; ++k) b[k] -= row[k] * b[i];
  }
}

}  // namespace intvit
