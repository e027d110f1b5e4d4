// The kinds of softmax codes, and scores that spread over several octaves of probability.
#pragma once

#include <array>

#include "bench/kernels/buffer.h"
#include "kernels/softmax/softmax.h"

namespace intvit::bench {

struct SoftmaxFormat {
  const char* name;
  kernels::SoftmaxKind kind;
  int levels = 16;
  bool two_planes = false;  // 12-bit values in two planes
  int groups = 1;           // of rows
};

inline constexpr std::array<SoftmaxFormat, 7> kSoftmaxFormats = {{
    {"exponential", kernels::SoftmaxKind::exponential},
    {"relative", kernels::SoftmaxKind::relative},
    {"relative, 12-bit values", kernels::SoftmaxKind::relative, 16, true},
    {"absolute", kernels::SoftmaxKind::absolute},
    {"absolute, 12-bit values", kernels::SoftmaxKind::absolute, 16, true},
    {"row groups", kernels::SoftmaxKind::absolute, 16, false, 8},
    {"row groups, 12-bit values", kernels::SoftmaxKind::absolute, 16, true, 8},
}};

// Two levels an octave.
class SoftmaxLevels {
 public:
  explicit SoftmaxLevels(const SoftmaxFormat& format);
  kernels::SoftmaxTable table() const;

 private:
  Buffer<std::int16_t> thresholds_, values_;
  Buffer<std::int32_t> bounds_, offsets_, divisors_;
};

// Makes distances of octaves of scores whose standard deviation is `sigma`.
kernels::SoftmaxScale softmax_scale(double sigma);

}  // namespace intvit::bench
