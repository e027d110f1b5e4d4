#include "converter/report/scheme_text.h"

#include <algorithm>

namespace intvit {
namespace {

constexpr std::size_t kMostDrawnLevels = 64;

std::string plural(std::size_t count, const std::string& one) {
  return std::to_string(count) + " " + one + (count == 1 ? "" : "s");
}

std::vector<double> levels_of(const ActivationScheme& scheme) {
  std::vector<double> levels;
  if (scheme.kind == CodeKind::uniform && scheme.grid.bits <= 6) {
    for (int code = 0; code <= scheme.grid.highest_code(); ++code) levels.push_back(scheme.grid.value(code));
  } else if (scheme.kind == CodeKind::table && scheme.table.levels.size() <= kMostDrawnLevels) {
    levels = scheme.table.levels;
  }
  return levels;
}

std::string codes_of(const ActivationScheme& scheme) {
  switch (scheme.kind) {
    case CodeKind::uniform:
      return "even steps";
    case CodeKind::table:
      return "a table of " + plural(scheme.table.levels.size(), "level");
    case CodeKind::token:
      return "even steps, a scale per token (" + std::to_string(scheme.parts.size()) + ")";
    case CodeKind::dynamic_token:
      return "even steps, each row over its own range";
    case CodeKind::channel_groups:
      return "even steps, " + plural(scheme.parts.size(), "group") + " of channels chosen per picture";
  }
  return {};
}

SchemeText text_of(const ActivationSchemes& schemes) {
  SchemeText text;
  int fewest = 99, most = 0;
  for (const ActivationScheme& scheme : schemes) {
    fewest = std::min(fewest, scheme.bits);
    most = std::max(most, scheme.bits);
  }
  text.bits = std::to_string(fewest) + (fewest == most ? "" : "-" + std::to_string(most));
  const ActivationScheme& first = schemes.front();
  text.codes = codes_of(first);
  if (schemes.size() > 1) text.codes += ", one scheme per head (" + std::to_string(schemes.size()) + ")";
  if (first.outlier > 0) text.codes += ", outliers on a finer grid";
  if (first.side > 0) text.codes += ", up to " + std::to_string(first.side) + " values of a row aside";
  if (schemes.size() == 1) text.levels = levels_of(first);
  return text;
}

SchemeText text_of(const SoftmaxScheme& scheme) {
  SchemeText text;
  text.bits = std::to_string(scheme.bits);
  if (scheme.codes == SoftmaxKind::exponential) {
    text.codes = "even steps of the row's largest";
    return text;
  }
  const bool relative = scheme.codes == SoftmaxKind::relative;
  text.codes = relative ? "a table relative to the row's largest" : "a table of probabilities";
  if (scheme.tables.size() > 1) text.codes += ", one per head (" + std::to_string(scheme.tables.size()) + ")";
  if (!relative && scheme.bounds.size() > 1) text.codes += ", " + plural(scheme.bounds.size(), "group") + " of rows";
  const bool fixed = !relative && scheme.tables.size() == 1 && scheme.bounds.size() == 1;
  if (fixed && scheme.tables[0].levels.size() <= kMostDrawnLevels) {
    for (const double level : scheme.tables[0].levels) text.levels.push_back(level * scheme.bounds[0]);
  }
  return text;
}

SchemeText text_of(const ResidualScheme& scheme) {
  SchemeText text;
  text.bits = std::to_string(scheme.bits);
  text.codes = "even steps";
  if (!scheme.coarse_channels.empty())
    text.codes += ", " + plural(scheme.coarse_channels.size(), "channel") + " coarser";
  return text;
}

}  // namespace

SchemeText scheme_text(const Plan& plan, const std::string& site, Role role) {
  if (const auto found = plan.activations.find(site); found != plan.activations.end() && !found->second.empty()) {
    return text_of(found->second);
  }
  if (const auto found = plan.residuals.find(site); found != plan.residuals.end()) return text_of(found->second);
  if (role != Role::probabilities) return {};
  const auto found = plan.softmax.find(site);
  return text_of(found == plan.softmax.end() ? SoftmaxScheme{} : found->second);
}

std::string role_text(Role role) {
  switch (role) {
    case Role::residual:
      return "residual stream";
    case Role::linear_input:
      return "input of a layer";
    case Role::query:
      return "query";
    case Role::key:
      return "key";
    case Role::value:
      return "value";
    case Role::probabilities:
      return "softmax";
    default:
      return "values";
  }
}

}  // namespace intvit
