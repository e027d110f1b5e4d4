// Sensitivity as `convert --json` and `inspect --json` print it: numbers per site, in the order of execution.
#pragma once

#include <nlohmann/json.hpp>

#include "converter/errors/sensitivity.h"

namespace intvit {

inline nlohmann::ordered_json sensitivity_json(const Sensitivity& sensitivity) {
  nlohmann::ordered_json sites = nlohmann::ordered_json::object(), layers = nlohmann::ordered_json::object();
  for (const SiteSensitivity& s : sensitivity.sites)
    sites[s.site] = {{"isolated_db", s.isolated_db}, {"accumulated_db", s.accumulated_db}};
  for (const LayerSensitivity& l : sensitivity.layers) layers[l.layer] = {{"isolated_db", l.isolated_db}};
  return {{"pictures", sensitivity.pictures}, {"sites", sites}, {"layers", layers}};
}

}  // namespace intvit
