#include "bench/kernels/softmax_format.h"

#include <cmath>

namespace intvit::bench {
namespace {

using namespace kernels;

constexpr int kLevelsPerOctave = 2;
constexpr int kOctave = 1 << kSoftmaxTableFractionBits;
constexpr double kOctavesPerSigma = 2;

}  // namespace

SoftmaxLevels::SoftmaxLevels(const SoftmaxFormat& format)
    : thresholds_(static_cast<std::size_t>(format.levels - 1)),
      values_(static_cast<std::size_t>(format.levels)),
      bounds_(static_cast<std::size_t>(format.groups)),
      offsets_(static_cast<std::size_t>(format.groups)),
      divisors_(static_cast<std::size_t>(format.groups)) {
  const int largest = format.two_planes ? 4095 : 255;
  for (std::size_t k = 0; k < values_.size(); ++k) {
    const auto number = static_cast<double>(k);
    values_[k] = static_cast<std::int16_t>(std::lround(largest * std::exp2(-number / kLevelsPerOctave)));
    if (k < thresholds_.size()) {
      thresholds_[k] = static_cast<std::int16_t>((number + 0.5) * kOctave / kLevelsPerOctave);
    }
  }
  for (std::size_t g = 0; g < offsets_.size(); ++g) {
    offsets_[g] = static_cast<std::int32_t>(g) * kOctave;
    bounds_[g] = offsets_[g] + kOctave;
    divisors_[g] = largest << g;
  }
}

SoftmaxTable SoftmaxLevels::table() const {
  return {thresholds_.data(), values_.data(),   static_cast<int>(values_.size()), bounds_.data(),
          offsets_.data(),    divisors_.data(), static_cast<int>(offsets_.size())};
}

SoftmaxScale softmax_scale(double sigma) {
  const double multiplier = kOctavesPerSigma / sigma * std::exp2(16 + kSoftmaxFractionBits);
  const int shift = static_cast<int>(std::floor(std::log2(multiplier))) - 15;
  return {shift > 0 ? shift : 0, shift < 0 ? -shift : 0, static_cast<std::uint16_t>(std::ldexp(multiplier, -shift))};
}

}  // namespace intvit::bench
