// oneDNN's matmul on the numbers of a LinearCase: u8 x s8 -> s32, plus a bias, times a factor per column, to u8 (codes)
// or s32 (logits). Its weights are packed as it likes best, beforehand.
#pragma once

#include <memory>

#include "bench/kernels/linear_case.h"
#include "intvit/isa.h"
#include "intvit/status.h"

namespace intvit::bench {

// Limits oneDNN to the instructions of `isa`. Must come before anything else that uses oneDNN, and holds for the rest
// of the process. False if oneDNN has nothing for `isa`.
bool limit_onednn(Isa isa);

class OnednnMatmul {
 public:
  // Of one plane and 8-bit weights, with the epilogue codes or logits. Runs once, and fails if the results are not
  // those of our kernel up to the rounding.
  static Result<std::shared_ptr<OnednnMatmul>> create(const kernels::LinearKernels& kernels, const Shape& shape,
                                                      kernels::Epilogue epilogue);

  virtual ~OnednnMatmul() = default;
  virtual void run() = 0;
  virtual std::string implementation() const = 0;  // "brgemm:avx512_core_vnni"
};

}  // namespace intvit::bench
