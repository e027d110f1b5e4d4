// One call of the linear kernel with realistic numbers: codes of the whole range, weights small enough that no
// instruction saturates, results spread over the codes.
#pragma once

#include "bench/kernels/buffer.h"
#include "bench/kernels/shapes.h"
#include "kernels/gemm/linear.h"

namespace intvit::bench {

struct LinearFormat {
  int weight_bits = 8;
  kernels::Epilogue epilogue = kernels::Epilogue::codes;
  int planes = 1;  // two: values of 12 bits
  bool coarse_steps = false;
  int aside_percent = 0;  // of the values of the source
  int code_bits = 8;
};

// What a layer does with its sums where all codes are plain.
kernels::Epilogue plain_epilogue(Layer layer);
// The same into 16-bit values for an encode operation; residual and logits stay as they are.
kernels::Epilogue values_epilogue(Layer layer);

class LinearCase {
 public:
  LinearCase(const Shape& shape, const LinearFormat& format);
  LinearCase(const LinearCase&) = delete;
  LinearCase& operator=(const LinearCase&) = delete;

  const kernels::LinearArgs& args() const { return args_; }
  std::uint8_t* src() { return src_.data(); }
  // What the requantizer multiplies (sum + bias) by.
  double scale() const { return scale_; }

 private:
  void put_aside(int percent, test::Random& random);

  Buffer<std::uint8_t> src_, tiles_, zero_points_, shift_, logit_shift_, scratch_;
  Buffer<std::int32_t> bias_, logit_multiplier_;
  Buffer<std::int16_t> multiplier_, coarse_power_, coarse_unit_, activation_, lists_;
  Buffer<std::uint8_t> aside_scratch_;
  Buffer<std::int32_t> dst_;  // of any type
  double scale_ = 0;
  kernels::LinearArgs args_{};
};

}  // namespace intvit::bench
