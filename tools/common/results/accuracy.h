// A running count of how often a classifier is right, for the tools' --eval. Not thread safe, not in the library.
#pragma once

#include <cmath>
#include <cstdint>

namespace intvit {

// Percent.
struct Interval {
  double low = 0.0;
  double high = 100.0;
};

// Wilson's score interval for hits out of count at 95 % confidence: unlike p +- 1.96 sqrt(p (1 - p) / n) it stays
// within 0 and 100 and is honest for small counts and rates near 100 %.
inline Interval wilson_interval(std::int64_t hits, std::int64_t count) {
  if (count <= 0) return {};
  constexpr double kZ = 1.959963984540054;  // the normal distribution's 97.5 % point
  const double n = static_cast<double>(count);
  const double rate = static_cast<double>(hits) / n;
  const double centre = rate + kZ * kZ / (2.0 * n);
  const double half = kZ * std::sqrt(rate * (1.0 - rate) / n + kZ * kZ / (4.0 * n * n));
  const double scale = 100.0 / (1.0 + kZ * kZ / n);
  return {std::fmax(0.0, scale * (centre - half)), std::fmin(100.0, scale * (centre + half))};
}

// The place of class `label` among all, 1 for the best: behind those with a larger logit, or with an equal one and a
// lower index. 0 if the label is no class or its logit is not a number.
template <typename Logit>
int rank_of(const Logit* logits, int classes, int label) {
  if (label < 0 || label >= classes) return 0;
  const Logit own = logits[label];
  if (own != own) return 0;
  int rank = 1;
  for (int i = 0; i < classes; ++i) rank += logits[i] > own || (logits[i] == own && i < label);
  return rank;
}

class Accuracy {
 public:
  // One picture: its logits, float or integer, and its true class. A rank of 0 counts as a miss.
  template <typename Logit>
  void add(const Logit* logits, int classes, int label) {
    add_rank(rank_of(logits, classes, label));
  }
  void add_rank(int rank) {
    ++count_;
    top1_hits_ += rank == 1;
    top5_hits_ += rank >= 1 && rank <= 5;
  }
  // Pictures that were counted elsewhere.
  void add_counts(std::int64_t count, std::int64_t top1_hits, std::int64_t top5_hits) {
    count_ += count;
    top1_hits_ += top1_hits;
    top5_hits_ += top5_hits;
  }

  std::int64_t count() const { return count_; }
  std::int64_t top1_hits() const { return top1_hits_; }
  std::int64_t top5_hits() const { return top5_hits_; }
  double top1_percent() const { return percent(top1_hits_); }  // 0 while nothing is counted
  double top5_percent() const { return percent(top5_hits_); }
  Interval top1_interval() const { return wilson_interval(top1_hits_, count_); }
  Interval top5_interval() const { return wilson_interval(top5_hits_, count_); }

 private:
  double percent(std::int64_t hits) const {
    return count_ == 0 ? 0.0 : 100.0 * static_cast<double>(hits) / static_cast<double>(count_);
  }

  std::int64_t count_ = 0;
  std::int64_t top1_hits_ = 0;
  std::int64_t top5_hits_ = 0;
};

}  // namespace intvit
