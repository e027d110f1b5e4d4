// A histogram of a stream of values that needs no range beforehand and bounded memory: when values fall outside, bins
// are merged in pairs until they fit. At least kBins / 2 bins are used over the range seen, once it is not a single
// point.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "engine/format/byte_stream.h"

namespace intvit {

class Histogram {
 public:
  static constexpr std::size_t kBins = 8192;

  void add(const float* values, std::size_t count);

  // Without values, but with the bins to begin with that this one began with or has come to. Histograms of parts of a
  // stream that have all begun like the first part's, merged in any order, are the histogram of the whole stream.
  Histogram emptied() const;
  void merge(const Histogram& part);

  void write(ByteWriter& bytes) const;
  // Nothing unless the bytes are what write() can have made of some values.
  static std::optional<Histogram> read(ByteReader& bytes);

  std::uint64_t count() const { return count_; }
  double min() const { return min_; }
  double max() const { return max_; }

  // The value below which the fraction p of all values lies, to a bin; min() for 0 and max() for 1.
  double quantile(double p) const;

  // Calls f(value at the bin's middle, number of values) for every bin that is not empty.
  template <typename F>
  void for_each(F&& f) const {
    for (std::size_t i = 0; i < counts_.size(); ++i) {
      if (counts_[i] != 0) f((static_cast<double>(first_ + static_cast<std::int64_t>(i)) + 0.5) * width_, counts_[i]);
    }
  }

 private:
  void cover(double low, double high);

  std::uint64_t count_ = 0;
  double min_ = 0, max_ = 0;
  double width_ = 0;        // of a bin, a power of two; 0 until it is known
  std::int64_t first_ = 0;  // bin i covers [(first_ + i) * width_, (first_ + i + 1) * width_)
  std::vector<std::uint64_t> counts_;
};

}  // namespace intvit
