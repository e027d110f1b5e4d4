#include "converter/errors/site_error.h"

#include <algorithm>

#include "converter/errors/histogram_error.h"

namespace intvit {

std::vector<SiteError> measure_sites(const FloatNetwork& network, const CalibrationStatistics& statistics,
                                     const Plan& plan) {
  std::vector<SiteError> errors;
  const auto measure = [&](TensorId id) {
    const Tensor& tensor = network.at(id);
    const auto schemes = plan.activations.find(tensor.name);
    if (schemes == plan.activations.end()) return;
    if (tensor.role == Role::linear_input && plan.equalisations.contains(tensor.name)) return;
    const std::vector<Histogram>& histograms = statistics.at(id);
    double worst = 999;
    for (std::size_t i = 0; i < histograms.size() && i < schemes->second.size(); ++i) {
      if (schemes->second[i].kind != CodeKind::uniform) return;
      worst = std::min(worst, sqnr_db(histograms[i], schemes->second[i].grid));
    }
    errors.push_back({tensor.name, worst});
  };
  for (const Node& node : network.nodes) {
    for (const TensorId id : node.outputs) {
      if (has_codes(network.at(id).role)) measure(id);
    }
  }
  return errors;
}

}  // namespace intvit
