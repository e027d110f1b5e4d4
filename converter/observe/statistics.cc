#include "converter/observe/statistics.h"

#include <algorithm>
#include <cmath>

namespace intvit {

void CalibrationStatistics::on_activation(Site site, int block, float* data, int rows, int cols) {
  // Pixels have exact codes, and the engine's softmax codes need no calibration.
  if (site == Site::patch_input || site == Site::post_softmax) return;
  std::vector<Histogram>& groups = histograms_[{site, block}];
  const std::size_t count = static_cast<std::size_t>(rows) * static_cast<std::size_t>(cols);
  if (!is_per_head(site)) {
    groups.resize(1);
    groups[0].add(data, count);
    return;
  }
  groups.resize(static_cast<std::size_t>(num_heads_));
  const int head_dim = cols / num_heads_;
  for (int h = 0; h < num_heads_; ++h) {
    head_.clear();
    for (int r = 0; r < rows; ++r) {
      const float* row = data + static_cast<std::ptrdiff_t>(r) * cols + h * head_dim;
      head_.insert(head_.end(), row, row + head_dim);
    }
    groups[static_cast<std::size_t>(h)].add(head_.data(), head_.size());
  }
}

CalibrationStatistics CalibrationStatistics::emptied() const {
  CalibrationStatistics result(num_heads_);
  for (const auto& [site, groups] : histograms_) {
    for (const Histogram& histogram : groups) result.histograms_[site].push_back(histogram.emptied());
  }
  return result;
}

void CalibrationStatistics::merge(const CalibrationStatistics& part) {
  for (const auto& [site, groups] : part.histograms_) {
    std::vector<Histogram>& own = histograms_[site];
    own.resize(groups.size());
    for (std::size_t i = 0; i < groups.size(); ++i) own[i].merge(groups[i]);
  }
}

double CalibrationStatistics::magnitude(Site site, int block) const {
  double magnitude = 0;
  for (const Histogram& h : at(site, block)) magnitude = std::max({magnitude, std::abs(h.min()), std::abs(h.max())});
  return magnitude;
}

}  // namespace intvit
