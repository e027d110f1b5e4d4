#include "converter/observe/histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

namespace intvit {
namespace {

// Bins of a first picture of zeros are so narrow that others would lie beyond what an integer counts.
std::int64_t bin_of(double value, double width) {
  return static_cast<std::int64_t>(std::clamp(std::floor(value / width), -0x1p60, 0x1p60));
}

}  // namespace

// Makes the bins wide and many enough for [low, high] and everything already counted.
void Histogram::cover(double low, double high) {
  if (counts_.empty()) {
    if (width_ == 0) {
      const double span = std::max({high - low, std::abs(high) * 1e-6, std::abs(low) * 1e-6, 1e-30});
      width_ = std::exp2(std::ceil(std::log2(span / static_cast<double>(kBins))) + 1);
    }
    first_ = bin_of(low, width_);
    counts_.assign(1, 0);
  }
  for (;;) {
    const std::int64_t last = first_ + static_cast<std::int64_t>(counts_.size()) - 1;
    const std::int64_t begin = std::min(first_, bin_of(low, width_));
    const std::int64_t end = std::max(last, bin_of(high, width_)) + 1;
    if (end - begin <= static_cast<std::int64_t>(kBins)) {
      counts_.insert(counts_.begin(), static_cast<std::size_t>(first_ - begin), 0);
      counts_.resize(static_cast<std::size_t>(end - begin), 0);
      first_ = begin;
      return;
    }
    // Twice the width: bins 2i and 2i + 1 become one.
    const std::int64_t merged_first = first_ >> 1;
    std::vector<std::uint64_t> merged(static_cast<std::size_t>((last >> 1) - merged_first + 1), 0);
    for (std::size_t i = 0; i < counts_.size(); ++i) {
      merged[static_cast<std::size_t>(((first_ + static_cast<std::int64_t>(i)) >> 1) - merged_first)] += counts_[i];
    }
    counts_ = std::move(merged);
    first_ = merged_first;
    width_ *= 2;
  }
}

void Histogram::add(const float* values, std::size_t count) {
  if (count == 0) return;
  const auto [low, high] = std::minmax_element(values, values + count);
  min_ = count_ == 0 ? *low : std::min(min_, static_cast<double>(*low));
  max_ = count_ == 0 ? *high : std::max(max_, static_cast<double>(*high));
  cover(*low, *high);
  const double inverse = 1 / width_;  // exact: the width is a power of two
  for (std::size_t i = 0; i < count; ++i) {
    const double bin = values[i] * inverse;
    const auto toward_zero = static_cast<std::int64_t>(bin);  // std::floor would be a call into the library
    const std::int64_t floor = toward_zero - (bin < static_cast<double>(toward_zero) ? 1 : 0);
    ++counts_[static_cast<std::size_t>(floor - first_)];
  }
  count_ += count;
}

Histogram Histogram::emptied() const {
  Histogram result;
  result.width_ = width_;
  return result;
}

// A width only doubles, and only as often as the range demands. So both have come from one width to the least that
// fits, and the whole's is never less than the part's.
void Histogram::merge(const Histogram& part) {
  if (part.count_ == 0) return;
  // 0.0 + makes 0 of -0, which would otherwise depend on the order.
  min_ = 0.0 + (count_ == 0 ? part.min_ : std::min(min_, part.min_));
  max_ = 0.0 + (count_ == 0 ? part.max_ : std::max(max_, part.max_));
  if (counts_.empty()) width_ = part.width_;
  cover(part.min_, part.max_);
  const int doublings = std::ilogb(width_) - std::ilogb(part.width_);
  for (std::size_t i = 0; i < part.counts_.size(); ++i) {
    const std::int64_t bin = (part.first_ + static_cast<std::int64_t>(i)) >> doublings;
    counts_[static_cast<std::size_t>(bin - first_)] += part.counts_[i];
  }
  count_ += part.count_;
}

void Histogram::write(ByteWriter& bytes) const {
  bytes.u64(count_);
  for (const double value : {min_, max_, width_}) bytes.u64(std::bit_cast<std::uint64_t>(value));
  bytes.u64(static_cast<std::uint64_t>(first_));
  const bool wide = std::ranges::any_of(counts_, [](std::uint64_t n) { return n > 0xffffffffU; });
  bytes.u32(static_cast<std::uint32_t>(counts_.size()));
  bytes.u32(wide ? 1 : 0);
  for (const std::uint64_t n : counts_) wide ? bytes.u64(n) : bytes.u32(static_cast<std::uint32_t>(n));
}

std::optional<Histogram> Histogram::read(ByteReader& bytes) {
  Histogram result;
  result.count_ = bytes.u64();
  for (double* value : {&result.min_, &result.max_, &result.width_}) *value = std::bit_cast<double>(bytes.u64());
  result.first_ = static_cast<std::int64_t>(bytes.u64());
  const std::uint32_t bins = bytes.u32(), wide = bytes.u32();
  if (bytes.failed() || bins == 0 || bins > kBins || wide > 1) return std::nullopt;
  std::uint64_t total = 0;
  for (std::uint32_t i = 0; i < bins; ++i) {
    result.counts_.push_back(wide != 0 ? bytes.u64() : bytes.u32());
    if (__builtin_add_overflow(total, result.counts_.back(), &total)) return std::nullopt;
  }
  constexpr double kLargest = std::numeric_limits<float>::max();
  int exponent = 0;
  const bool power_of_two = std::isnormal(result.width_) && std::frexp(result.width_, &exponent) == 0.5;
  const bool range = result.min_ >= -kLargest && result.min_ <= result.max_ && result.max_ <= kLargest;
  if (bytes.failed() || total != result.count_ || total == 0 || !power_of_two || !range) return std::nullopt;
  const std::int64_t low = bin_of(result.min_, result.width_), high = bin_of(result.max_, result.width_);
  if (low < result.first_ || high - result.first_ >= static_cast<std::int64_t>(bins)) return std::nullopt;
  return result;
}

double Histogram::quantile(double p) const {
  if (p <= 0) return min_;
  if (p >= 1) return max_;
  const double target = p * static_cast<double>(count_);
  double seen = 0;
  for (std::size_t i = 0; i < counts_.size(); ++i) {
    const double here = static_cast<double>(counts_[i]);
    if (seen + here >= target) {
      const double within = here > 0 ? (target - seen) / here : 0;
      return std::clamp((static_cast<double>(first_ + static_cast<std::int64_t>(i)) + within) * width_, min_, max_);
    }
    seen += here;
  }
  return max_;
}

}  // namespace intvit
