// The column pass of resize.h for whole vectors of samples. Fewer samples than a vector has are left to the law.
#pragma once

#include "kernels/resize/resize_law.h"

namespace intvit::kernels {
namespace {

// Sums has the sums of a vector of samples: add(args, t, x) adds kTaps of them, from t on, for the samples from x on;
// samples() are the results.
template <typename Simd, typename Sums>
void resize_column_simd(const ResizeColumnArgs& args) {
  constexpr int kBlock = Simd::Codes::size;
  if (args.samples < kBlock) return resize_column_samples(args, 0, args.samples);
  const auto block = [&](int x) {
    Sums sums;
    for (int t = 0; t < args.taps; t += Sums::kTaps) sums.add(args, t, x);
    Simd::store(args.dst + x, sums.samples());
  };
  int x = 0;
  for (; x + kBlock <= args.samples; x += kBlock) block(x);
  if (x < args.samples) block(args.samples - kBlock);  // does some samples twice
}

}  // namespace
}  // namespace intvit::kernels
