// Factors of symmetric positive definite matrices, row-major n x n in double.
#pragma once

#include <vector>

namespace intvit {

using SquareMatrix = std::vector<double>;

// Lower triangle L with L L^T = a, in place (what is above the diagonal stays); false if a is not positive definite.
bool cholesky(SquareMatrix& a, int n, int threads);

// The inverse of a lower triangle, in place.
void invert_lower(SquareMatrix& l, int n, int threads);

// x with L L^T x = b, in place.
void solve_lower(const SquareMatrix& l, int n, double* b);

}  // namespace intvit
