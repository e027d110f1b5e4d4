#include "converter/observe/statistics.h"

#include <algorithm>
#include <cmath>

#include "converter/float/finite.h"

namespace intvit {
namespace {

// Pixels have exact codes, and the engine's softmax codes need no calibration.
bool is_observed(const Tensor& tensor) { return tensor.role != Role::pixels && tensor.role != Role::probabilities; }

std::size_t groups_of(const Tensor& tensor) {
  return is_per_head(tensor.role) ? static_cast<std::size_t>(tensor.heads) : 1;
}

}  // namespace

void CalibrationStatistics::on_activation(TensorId id, float* data, int rows, int columns) {
  const Tensor& tensor = network_->at(id);
  if (!is_observed(tensor)) return;
  const std::size_t count = static_cast<std::size_t>(rows) * static_cast<std::size_t>(columns);
  if (!not_finite_ && !all_finite(data, count)) not_finite_ = id;
  if (not_finite_) return;
  std::vector<Histogram>& groups = histograms_[id];
  groups.resize(groups_of(tensor));
  if (!is_per_head(tensor.role)) {
    groups[0].add(data, count);
    return;
  }
  const int head_dim = tensor.head_columns();
  for (int h = 0; h < tensor.heads; ++h) {
    head_.clear();
    for (int r = 0; r < rows; ++r) {
      const float* row = data + static_cast<std::ptrdiff_t>(r) * columns + h * head_dim;
      head_.insert(head_.end(), row, row + head_dim);
    }
    groups[static_cast<std::size_t>(h)].add(head_.data(), head_.size());
  }
}

CalibrationStatistics CalibrationStatistics::emptied() const {
  CalibrationStatistics result(*network_);
  for (const auto& [tensor, groups] : histograms_) {
    for (const Histogram& histogram : groups) result.histograms_[tensor].push_back(histogram.emptied());
  }
  return result;
}

void CalibrationStatistics::merge(const CalibrationStatistics& part) {
  for (const auto& [tensor, groups] : part.histograms_) {
    std::vector<Histogram>& own = histograms_[tensor];
    own.resize(groups.size());
    for (std::size_t i = 0; i < groups.size(); ++i) own[i].merge(groups[i]);
  }
}

void CalibrationStatistics::write(ByteWriter& bytes) const {
  for (const auto& [tensor, groups] : histograms_) {
    for (const Histogram& histogram : groups) histogram.write(bytes);
  }
}

bool CalibrationStatistics::read(ByteReader& bytes, int pictures) {
  histograms_.clear();
  for (std::size_t id = 0; id < network_->tensors.size(); ++id) {
    const Tensor& tensor = network_->tensors[id];
    if (!is_observed(tensor)) continue;
    const std::size_t groups = groups_of(tensor);
    const std::uint64_t values = static_cast<std::uint64_t>(tensor.rows) * static_cast<std::uint64_t>(tensor.columns);
    for (std::size_t i = 0; i < groups; ++i) {
      std::optional<Histogram> histogram = Histogram::read(bytes);
      if (!histogram || histogram->count() != values / groups * static_cast<std::uint64_t>(pictures)) return false;
      histograms_[static_cast<TensorId>(id)].push_back(std::move(*histogram));
    }
  }
  return true;
}

double CalibrationStatistics::magnitude(TensorId tensor) const {
  double magnitude = 0;
  for (const Histogram& h : at(tensor)) magnitude = std::max({magnitude, std::abs(h.min()), std::abs(h.max())});
  return magnitude;
}

}  // namespace intvit
