// Sensitivity in a model's metadata: one line per site, "name isolated accumulated", or "name isolated" for layers.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <sstream>

#include "converter/errors/sensitivity.h"

namespace intvit {
namespace {

constexpr const char* kPictures = "sensitivity_pictures";
constexpr const char* kSites = "sensitivity_sites";
constexpr const char* kLayers = "sensitivity_layers";

std::string two_decimals(double value) {
  char buffer[32];
  std::snprintf(buffer, sizeof buffer, " %.2f", value);
  return buffer;
}

// The lines of a metadata value, each a name and `numbers` finite numbers; other lines are skipped.
template <typename Use>
void for_each_line(const Metadata& metadata, const char* key, std::size_t numbers, const Use& use) {
  const auto found = metadata.find(key);
  if (found == metadata.end()) return;
  std::istringstream lines(found->second);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string name;
    std::vector<double> values;
    words >> name;
    for (double value; words >> value;) values.push_back(value);
    if (!name.empty() && words.eof() && values.size() == numbers) use(name, values);
  }
}

template <typename Entry>
std::vector<Entry> sorted(std::vector<Entry> entries) {
  std::stable_sort(entries.begin(), entries.end(),
                   [](const Entry& a, const Entry& b) { return a.isolated_db < b.isolated_db; });
  return entries;
}

}  // namespace

void store(const Sensitivity& sensitivity, Metadata& metadata) {
  std::string sites, layers;
  for (const SiteSensitivity& s : sensitivity.sites) {
    sites += (sites.empty() ? "" : "\n") + s.site + two_decimals(s.isolated_db) + two_decimals(s.accumulated_db);
  }
  for (const LayerSensitivity& l : sensitivity.layers) {
    layers += (layers.empty() ? "" : "\n") + l.layer + two_decimals(l.isolated_db);
  }
  metadata[kPictures] = std::to_string(sensitivity.pictures);
  metadata[kSites] = sites;
  metadata[kLayers] = layers;
}

bool is_sensitivity_key(const std::string& key) { return key == kPictures || key == kSites || key == kLayers; }

std::optional<Sensitivity> stored_sensitivity(const Metadata& metadata) {
  const auto pictures = metadata.find(kPictures);
  if (pictures == metadata.end()) return std::nullopt;
  Sensitivity result;
  std::istringstream(pictures->second) >> result.pictures;
  for_each_line(metadata, kSites, 2, [&](const std::string& name, const std::vector<double>& values) {
    result.sites.push_back({name, values[0], values[1]});
  });
  for_each_line(metadata, kLayers, 1, [&](const std::string& name, const std::vector<double>& values) {
    result.layers.push_back({name, values[0]});
  });
  return result;
}

std::vector<SiteSensitivity> worst_first(std::vector<SiteSensitivity> sites) { return sorted(std::move(sites)); }
std::vector<LayerSensitivity> worst_first(std::vector<LayerSensitivity> layers) { return sorted(std::move(layers)); }

}  // namespace intvit
