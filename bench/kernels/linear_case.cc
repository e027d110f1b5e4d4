#include "bench/kernels/linear_case.h"

#include <algorithm>
#include <cmath>

namespace intvit::bench {
namespace {

using namespace kernels;

constexpr double kSigmaOfCodes = 40;  // of the results
// Codes of the source crowd around the zero point, as those of real layers do: sums of four of such numbers, which
// have a standard deviation of 26 (kernels/gemm/avx2/split_codes_avx2.h finds extras in 0.8 % of their groups).
constexpr int kSpreadOfCodes = 22;
constexpr int kZeroPoint = 128;
constexpr int kHighBytes = 15;  // of values of 12 bits
// Two products of neighbours stay below 2^15 (2 * 255 * 64), so that AVX2 paths that add them in 16 bits are exact.
constexpr int kLargestWeight = 63;

double sigma_of_sums(const LinearFormat& format, int k) {
  const double codes = format.planes == 1 ? kZeroPoint : 4096 / std::sqrt(3.0);
  const double weights =
      format.weight_bits == 8 ? (kLargestWeight + 0.5) / std::sqrt(3.0) : (16 << format.weight_bits) / std::sqrt(12.0);
  return std::sqrt(k) * codes * weights;
}

}  // namespace

Epilogue plain_epilogue(Layer layer) {
  switch (layer) {
    case Layer::qkv:
      return Epilogue::codes;
    case Layer::fc1:
      return Epilogue::activation;
    case Layer::head:
      return Epilogue::logits;
    case Layer::patch:
    case Layer::proj:
    case Layer::fc2:
      return Epilogue::residual;
  }
  return Epilogue::codes;
}

Epilogue values_epilogue(Layer layer) {
  const Epilogue plain = plain_epilogue(layer);
  return plain == Epilogue::codes        ? Epilogue::values
         : plain == Epilogue::activation ? Epilogue::activation_values
                                         : plain;
}

LinearCase::LinearCase(const Shape& shape, const LinearFormat& format) {
  test::Random random(1);
  const auto rows = static_cast<std::size_t>(shape.rows);
  const auto columns = static_cast<std::size_t>(padded_columns(shape.n));
  const int k = padded_depth(shape.k);
  const std::size_t row_bytes = static_cast<std::size_t>(format.planes) * static_cast<std::size_t>(k);
  src_ = Buffer<std::uint8_t>(rows * row_bytes, 0, 255, random);
  for (std::size_t r = 0; r < rows; ++r) {
    std::uint8_t* row = &src_[r * row_bytes];
    if (format.planes == 1) {
      for (std::size_t i = 0; i < row_bytes; ++i) {
        int code = kZeroPoint;
        for (int j = 0; j < 4; ++j) code += static_cast<int>(random.integer(-kSpreadOfCodes, kSpreadOfCodes));
        row[i] = static_cast<std::uint8_t>(code >> (8 - format.code_bits));
      }
    } else {
      for (std::size_t i = row_bytes / 2; i < row_bytes; ++i) row[i] &= kHighBytes;
    }
  }
  const std::size_t bytes = tile_bytes(shape.n, shape.k, format.weight_bits);
  tiles_ = format.weight_bits == 8 ? Buffer<std::uint8_t>(bytes, -kLargestWeight, kLargestWeight, random)
                                   : Buffer<std::uint8_t>(bytes, 0, 255, random);
  const int middle = format.weight_bits == 8 ? 0 : 1 << (format.weight_bits - 1);
  zero_points_ = Buffer<std::uint8_t>(columns, middle - 1, middle, random);

  const double wanted = kSigmaOfCodes / sigma_of_sums(format, shape.k);
  const int shift = static_cast<int>(std::floor(std::log2(0.125 / wanted)));  // leaves 12 bits to the multiplier
  const auto multiplier = static_cast<std::int16_t>(std::lround(std::ldexp(wanted, 15 + shift)));
  const auto bias = static_cast<std::int32_t>(std::lround(kZeroPoint / wanted)) + (1 << (shift - 1));
  scale_ = std::ldexp(multiplier, -15 - shift);
  shift_ = Buffer<std::uint8_t>(columns, shift, shift, random);
  multiplier_ = Buffer<std::int16_t>(columns, multiplier, multiplier, random);
  bias_ = Buffer<std::int32_t>(columns, bias, bias, random);
  logit_shift_ = Buffer<std::uint8_t>(columns, 15 + shift, 15 + shift, random);
  logit_multiplier_ = Buffer<std::int32_t>(columns, multiplier, multiplier, random);
  constexpr int kCoarseShift = 2;
  coarse_power_ = Buffer<std::int16_t>(columns, 1 << (15 - kCoarseShift), 1 << (15 - kCoarseShift), random);
  coarse_unit_ = Buffer<std::int16_t>(columns, 1 << kCoarseShift, 1 << kCoarseShift, random);
  activation_ = Buffer<std::int16_t>(2 * kActivationSegments, 0, 20, random);
  dst_ = Buffer<std::int32_t>(rows * columns);
  scratch_ = Buffer<std::uint8_t>(linear_scratch_bytes(k, format.weight_bits));

  args_.src = src_.data();
  args_.src_stride = static_cast<std::ptrdiff_t>(row_bytes);
  args_.plane_stride = format.planes == 2 ? k : 0;
  args_.rows = shape.rows;
  args_.weights = {tiles_.data(), format.weight_bits != 8 ? zero_points_.data() : nullptr, format.weight_bits, shape.n,
                   k};
  args_.requantizer = {bias_.data(), shift_.data(), multiplier_.data()};
  args_.epilogue = format.epilogue;
  args_.dst = dst_.data();
  args_.dst_stride = static_cast<std::ptrdiff_t>(columns);
  args_.residual = reinterpret_cast<const std::int16_t*>(dst_.data());
  args_.residual_stride = args_.dst_stride;
  if (format.coarse_steps) {
    args_.coarse_power = coarse_power_.data();
    args_.coarse_unit = coarse_unit_.data();
    args_.coarse_limit = 127;
  }
  args_.activation = {activation_.data(), activation_.data() + kActivationSegments, 3, 16384, 10};
  args_.logit_multiplier = logit_multiplier_.data();
  args_.logit_shift = logit_shift_.data();
  args_.scratch = scratch_.data();
  if (format.aside_percent != 0) put_aside(format.aside_percent, random);
}

// Anywhere, in lists that have room for four times as many.
void LinearCase::put_aside(int percent, test::Random& random) {
  AsideLists& aside = args_.aside;
  aside.columns = args_.weights.k;
  aside.most = std::min(kMostAside, aside.columns * percent / 25);
  aside.stride = aside_words(aside.most);
  lists_ = Buffer<std::int16_t>(static_cast<std::size_t>(args_.rows * aside.stride));
  for (int r = 0; r < args_.rows; ++r) {
    std::int16_t* list = lists_.data() + r * aside.stride;
    for (int c = 0; c < aside.columns && list[0] < aside.most; ++c) {
      if (!random.chance(percent)) continue;
      list[1 + list[0]] = static_cast<std::int16_t>(c);
      list[1 + aside.most + list[0]] = static_cast<std::int16_t>(random.integer(-2000, 2000));
      ++list[0];
    }
  }
  aside_scratch_ = Buffer<std::uint8_t>(aside_scratch_bytes(args_.rows, aside.most));
  aside.lists = lists_.data();
  aside.scratch = aside_scratch_.data();
}

}  // namespace intvit::bench
