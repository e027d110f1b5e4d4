// What calibration remembers of the float network's activations: one histogram per tensor, or per head where heads have
// their own quantizers. Memory is bounded by the number of tensors, whatever the number of pictures.
#pragma once

#include <map>
#include <optional>
#include <vector>

#include "converter/float/observer.h"
#include "converter/graph/network.h"
#include "converter/observe/histogram.h"

namespace intvit {

// Give it to FloatForward::run() as the observer.
class CalibrationStatistics : public Observer {
 public:
  // The network's tensors are kept by pointer.
  explicit CalibrationStatistics(const FloatNetwork& network) : network_(&network) {}

  void on_activation(TensorId tensor, float* data, int rows, int columns) override;

  // Pictures may be observed in parts, by statistics that are all emptied() from those of the first picture: merged in
  // any order they are the statistics of all pictures.
  CalibrationStatistics emptied() const;
  void merge(const CalibrationStatistics& part);

  void write(ByteWriter& bytes) const;
  // What write() made of the statistics of so many pictures. False, with the statistics in no certain state, if the
  // bytes cannot be that.
  bool read(ByteReader& bytes, int pictures);

  // The first tensor that was observed with an infinity or a NaN, which no histogram has.
  const std::optional<TensorId>& not_finite() const { return not_finite_; }

  // One histogram per tensor, or one per head. Must have been observed.
  const std::vector<Histogram>& at(TensorId tensor) const { return histograms_.at(tensor); }

  // Largest magnitude over all groups of a tensor.
  double magnitude(TensorId tensor) const;

 private:
  const FloatNetwork* network_;
  std::map<TensorId, std::vector<Histogram>> histograms_;
  std::vector<float> head_;
  std::optional<TensorId> not_finite_;
};

}  // namespace intvit
