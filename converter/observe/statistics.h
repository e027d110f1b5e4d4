// What calibration remembers of the float network's activations: one histogram per site, or per head where heads have
// their own quantizers. Memory is bounded by the number of sites, whatever the number of pictures.
#pragma once

#include <map>
#include <utility>
#include <vector>

#include "converter/float/forward.h"
#include "converter/observe/histogram.h"

namespace intvit {

// Whether every head of the site has a quantizer of its own.
constexpr bool is_per_head(Site site) { return site == Site::query || site == Site::key || site == Site::value; }

// Give it to FloatForward::run() as the observer.
class CalibrationStatistics : public Observer {
 public:
  explicit CalibrationStatistics(int num_heads) : num_heads_(num_heads) {}

  void on_activation(Site site, int block, float* data, int rows, int cols) override;

  // Pictures may be observed in parts, by statistics that are all emptied() from those of the first picture: merged in
  // any order they are the statistics of all pictures.
  CalibrationStatistics emptied() const;
  void merge(const CalibrationStatistics& part);

  // One histogram per tensor, or one per head. Must have been observed.
  const std::vector<Histogram>& at(Site site, int block) const { return histograms_.at({site, block}); }

  // Largest magnitude over all groups of a site.
  double magnitude(Site site, int block) const;

 private:
  int num_heads_;
  std::map<std::pair<Site, int>, std::vector<Histogram>> histograms_;
  std::vector<float> head_;
};

}  // namespace intvit
