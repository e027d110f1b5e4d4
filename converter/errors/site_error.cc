#include "converter/errors/site_error.h"

#include <algorithm>

#include "converter/errors/histogram_error.h"

namespace intvit {

std::vector<SiteError> measure_sites(const VitDescription& vit, const CalibrationStatistics& statistics,
                                     const Plan& plan) {
  std::vector<SiteError> errors;
  const auto measure = [&](Site site, int block) {
    const auto schemes = plan.activations.find(site_name(site, block));
    if (schemes == plan.activations.end()) return;
    const bool is_input = site == Site::qkv_input || site == Site::fc1_input;
    if (is_input && plan.equalisations.contains(schemes->first)) return;
    const std::vector<Histogram>& histograms = statistics.at(site, block);
    double worst = 999;
    for (std::size_t i = 0; i < histograms.size() && i < schemes->second.size(); ++i) {
      if (schemes->second[i].kind != CodeKind::uniform) return;
      worst = std::min(worst, sqnr_db(histograms[i], schemes->second[i].grid));
    }
    errors.push_back({schemes->first, worst});
  };
  for (int b = 0; b < vit.depth; ++b) {
    for (const Site site : {Site::qkv_input, Site::query, Site::key, Site::value, Site::attention_output,
                            Site::fc1_input, Site::fc2_input}) {
      measure(site, b);
    }
  }
  measure(Site::head_input, -1);
  return errors;
}

}  // namespace intvit
