// Notation: an output's centre lies at c = (i + 1/2) * source / destination on the source axis; source sample s gets
// the weight filter(t), t = (s + 1/2 - c) / max(source / destination, 1). With q = 2 * max(source, destination),
//   t = p / q,   p = (2 s + 1) * destination - (2 i + 1) * source.
#include "engine/image/resample_weights.h"

#include <algorithm>
#include <new>
#include <string>

namespace intvit {
namespace {

__extension__ typedef __int128 int128;
__extension__ typedef unsigned __int128 uint128;

constexpr int kPrecisionBits = kernels::kResizePrecisionBits;

std::int64_t filter_support(Interpolation interpolation) {
  switch (interpolation) {
    case Interpolation::nearest:
      return 0;
    case Interpolation::bilinear:
      return 1;
    case Interpolation::bicubic:
      return 2;
    case Interpolation::lanczos:
      return 3;
  }
  return 0;
}

// Filters return a multiple of filter(p / q) for p >= 0; the factor depends on q only and cancels in the normalisation.
// Range: q <= 2^25 and p <= 3 q.

int128 bilinear(std::int64_t p, std::int64_t q) { return p < q ? q - p : 0; }

// Keys' cubic with a = -1/2, times 2 q^3: at most 2^77.
int128 bicubic(std::int64_t p, std::int64_t q) {
  const int128 x = p;
  if (p < q) return (3 * x - int128{5} * q) * x * x + int128{2} * q * q * q;
  if (p < 2 * q) return ((int128{5} * q - x) * x - int128{8} * q * q) * x + int128{4} * q * q * q;
  return 0;
}

constexpr int kSincBits = 61;
constexpr std::int64_t kSincOne = std::int64_t{1} << kSincBits;

// sin(pi r) / (pi r) as a power series in r^2: pi^(2k) / (2k + 1)! * 2^61. For |r| <= 1/2 the first term left out is
// below 2^-76.
constexpr std::int64_t kSincSeries[] = {
    2305843009213693952,
    3792959718659434054,
    1871750596621790290,
    439843760146667958,
    60292832096322865,
    5409694554654635,
    342253494776721,
    16085269515888,
    583658995613,
    16843518690,
    395806824,
    7720270,
    126993,
};

// sin(pi p / q) / (pi p / q) * 2^61 for p >= 0. With r = p / q - n for the nearest integer n it is
// (-1)^n sinc(r) * r / (p / q), so that the series never sees a large argument.
std::int64_t sinc(std::int64_t p, std::int64_t q) {
  if (p == 0) return kSincOne;
  const std::int64_t n = (2 * p + q) / (2 * q);
  const std::int64_t remainder = p - n * q;  // r * q, within +- q / 2
  const std::int64_t r = static_cast<std::int64_t>(int128{remainder} * kSincOne / q);
  const std::int64_t r_squared = static_cast<std::int64_t>((int128{r} * r) >> kSincBits);
  std::int64_t sum = 0;
  bool subtract = (std::size(kSincSeries) - 1) % 2 != 0;
  for (std::size_t k = std::size(kSincSeries); k-- > 0; subtract = !subtract) {
    const std::int64_t product = static_cast<std::int64_t>((int128{sum} * r_squared) >> kSincBits);
    sum = product + (subtract ? -kSincSeries[k] : kSincSeries[k]);
  }
  const std::int64_t value = static_cast<std::int64_t>(int128{sum} * remainder / p);
  return n % 2 == 0 ? value : -value;
}

int128 lanczos(std::int64_t p, std::int64_t q) {
  if (p >= 3 * q) return 0;
  return (int128{sinc(p, q)} * sinc(p, 3 * q)) >> kSincBits;
}

int128 filter(Interpolation interpolation, std::int64_t p, std::int64_t q) {
  switch (interpolation) {
    case Interpolation::nearest:
      return 0;
    case Interpolation::bilinear:
      return bilinear(p, q);
    case Interpolation::bicubic:
      return bicubic(p, q);
    case Interpolation::lanczos:
      return lanczos(p, q);
  }
  return 0;
}

// value / sum * 2^22, halves away from zero as in Pillow. Range: 2^77 * 2^23 < 2^127.
std::int32_t normalise(int128 value, int128 sum) {
  const int128 twice = (value < 0 ? -value : value) << (kPrecisionBits + 1);
  const std::int32_t magnitude = static_cast<std::int32_t>((twice + sum) / (2 * sum));
  return value < 0 ? -magnitude : magnitude;
}

int bit_length(uint128 value) {
  const auto high = static_cast<std::uint64_t>(value >> 64);
  const auto low = static_cast<std::uint64_t>(value);
  return high != 0 ? 128 - __builtin_clzll(high) : low != 0 ? 64 - __builtin_clzll(low) : 0;
}

// What is left of an integer in the 53 bits of a double; halves go to even.
uint128 round_to_53_bits(uint128 value) {
  const int drop = bit_length(value) - 53;
  if (drop <= 0) return value;
  const uint128 half = uint128{1} << (drop - 1);
  const uint128 remainder = value & ((half << 1) - 1);
  uint128 kept = value >> drop;
  if (remainder > half || (remainder == half && (kept & 1) != 0)) ++kept;
  return kept << drop;
}

}  // namespace

Status ResampleWeights::compute(const ResampleAxis& axis) {
  const auto is_edge = [](std::int64_t length, std::int64_t limit) { return length >= 1 && length <= limit; };
  if (!is_edge(axis.src_length, kMaxPictureEdge)) {
    return {Code::invalid_argument, "a picture's edge of " + std::to_string(axis.src_length) +
                                        " pixels cannot be resized; allowed are 1.." + std::to_string(kMaxPictureEdge)};
  }
  if (!is_edge(axis.dst_length, kMaxResizedEdge)) {
    return {Code::invalid_argument, "cannot resize an edge to " + std::to_string(axis.dst_length) +
                                        " pixels; allowed are 1.." + std::to_string(kMaxResizedEdge)};
  }
  if (!is_edge(axis.dst_count, kMaxPictureEdge) || axis.dst_begin < 0 ||
      axis.dst_begin > axis.dst_length - axis.dst_count) {
    return {Code::invalid_argument, "cannot crop " + std::to_string(axis.dst_count) + " pixels at " +
                                        std::to_string(axis.dst_begin) + " out of " + std::to_string(axis.dst_length)};
  }
  if (axis.interpolation > Interpolation::lanczos) {
    return {Code::invalid_argument, "interpolation " + std::to_string(static_cast<std::uint32_t>(axis.interpolation)) +
                                        " does not exist; allowed are 0 (nearest) to 3 (lanczos)"};
  }
  try {
    if (axis.interpolation == Interpolation::nearest) {
      compute_nearest(axis);
    } else {
      compute_filter(axis);
    }
  } catch (const std::bad_alloc&) {
    return no_memory([&] {
      return "out of memory for the coefficients that resize " + std::to_string(axis.src_length) + " to " +
             std::to_string(axis.dst_length) + " pixels";
    });
  }
  return {};
}

void ResampleWeights::compute_filter(const ResampleAxis& axis) {
  const std::int64_t src = axis.src_length;
  const std::int64_t dst = axis.dst_length;
  const std::int64_t longer = std::max(src, dst);
  const std::int64_t q = 2 * longer;
  const std::int64_t reach = filter_support(axis.interpolation) * q;  // the support, in units of 1 / (2 dst)

  first_.resize(static_cast<std::size_t>(axis.dst_count));
  taps_.resize(static_cast<std::size_t>(axis.dst_count));
  max_taps_ = 0;
  for (std::int64_t i = 0; i < axis.dst_count; ++i) {
    // Pillow: from int(centre - support + 0.5) to int(centre + support + 0.5), within the source. Where its doubles
    // land on the other side of an integer the sample in question is at the filter's very end and weighs 0.
    const std::int64_t center = (2 * (axis.dst_begin + i) + 1) * src;  // in units of 1 / (2 dst), as everything here
    const std::int64_t begin = std::max<std::int64_t>(center - reach + dst, 0) / (2 * dst);
    const std::int64_t end = std::min((center + reach + dst) / (2 * dst), src);
    first_[i] = static_cast<std::int32_t>(begin);
    taps_[i] = static_cast<std::int32_t>(end - begin);
    max_taps_ = std::max(max_taps_, static_cast<int>(end - begin));
  }
  taps_stride_ = (max_taps_ + kernels::kResizeTapBlock - 1) / kernels::kResizeTapBlock * kernels::kResizeTapBlock;

  // One output's unnormalised weights; the largest is below 2^77 and there are at most 2^16.
  std::vector<int128> values(static_cast<std::size_t>(max_taps_));
  weights_.assign(static_cast<std::size_t>(axis.dst_count) * taps_stride_, 0);
  for (std::int64_t i = 0; i < axis.dst_count; ++i) {
    const std::int64_t center = (2 * (axis.dst_begin + i) + 1) * src;
    int128 sum = 0;
    for (std::int32_t t = 0; t < taps_[i]; ++t) {
      const std::int64_t p = (2 * (std::int64_t{first_[i]} + t) + 1) * dst - center;
      values[t] = filter(axis.interpolation, p < 0 ? -p : p, q);
      sum += values[t];
    }
    // sum > 0: a sample lies within half a pixel of the centre, and the negative lobes weigh less than the main one.
    std::int32_t* weights = weights_.data() + i * taps_stride_;
    for (std::int32_t t = 0; t < taps_[i]; ++t) weights[t] = normalise(values[t], sum);
  }
}

// Pillow's nearest neighbour is an affine transform: position = step / 2, then position += step per output, in doubles
// (Geometry.c, ImagingScaleAffine). Their rounding decides where a position is an integer by rights, e.g. 400 -> 300.
void ResampleWeights::compute_nearest(const ResampleAxis& axis) {
  // step = source / destination to 53 bits: mantissa * 2^-shift. Positions are in units of 2^-(shift + 1).
  // Range: positions stay below 2^16 * 2^(shift + 1), shift < 53 + 25.
  const int shift = 53 + bit_length(static_cast<uint128>(axis.dst_length)) - 1;
  const uint128 scaled = static_cast<uint128>(axis.src_length) << shift;
  // A quotient of more than 53 bits loses its last ones to rounding; the remainder only matters as "not a tie".
  const uint128 quotient = scaled / static_cast<uint128>(axis.dst_length);
  const bool inexact = scaled % static_cast<uint128>(axis.dst_length) != 0;
  const uint128 step = round_to_53_bits((quotient << 2) | (inexact ? 1 : 0)) << 1;
  const int unit_bits = shift + 3;

  first_.resize(static_cast<std::size_t>(axis.dst_count));
  uint128 position = step >> 1;
  for (std::int64_t i = 0; i < axis.dst_begin; ++i) position = round_to_53_bits(position + step);
  for (std::int64_t i = 0; i < axis.dst_count; ++i) {
    const auto sample = static_cast<std::int64_t>(position >> unit_bits);
    first_[i] = static_cast<std::int32_t>(std::min(sample, axis.src_length - 1));
    position = round_to_53_bits(position + step);
  }
  taps_.assign(static_cast<std::size_t>(axis.dst_count), 1);
  max_taps_ = 1;
  taps_stride_ = kernels::kResizeTapBlock;
  weights_.assign(static_cast<std::size_t>(axis.dst_count) * taps_stride_, 0);
  for (std::int64_t i = 0; i < axis.dst_count; ++i) weights_[i * taps_stride_] = 1 << kPrecisionBits;
}

}  // namespace intvit
