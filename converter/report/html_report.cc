#include "converter/report/html_report.h"

#include <algorithm>
#include <filesystem>
#include <map>

#include "converter/report/drawings.h"
#include "converter/report/html.h"
#include "converter/report/model_section.h"
#include "converter/report/scheme_text.h"

namespace intvit {
namespace {

using html::escape;

constexpr std::size_t kDrawnSites = 12;

// Everything that is known of one site.
struct SiteRow {
  std::string name;
  Role role = Role::values;
  SchemeText scheme;
  const SiteDistribution* measured = nullptr;
  const SiteSensitivity* sensitivity = nullptr;

  // What ranks it: what it costs at the output where that is known.
  double rank_db() const {
    return sensitivity != nullptr ? sensitivity->isolated_db : measured != nullptr ? measured->own_db : kNoErrorDb;
  }
};

// All sites that have a quantizer, in the order of execution; without measurements in that of their names.
std::vector<SiteRow> site_rows(const Conversion& conversion) {
  std::vector<SiteRow> rows;
  std::map<std::string, const SiteSensitivity*> sensitivity;
  if (conversion.sensitivity) {
    for (const SiteSensitivity& s : conversion.sensitivity->sites) sensitivity[s.site] = &s;
  }
  const auto add = [&](const std::string& name, Role role, const SiteDistribution* measured) {
    const auto found = sensitivity.find(name);
    rows.push_back({name, role, scheme_text(conversion.plan, name, role), measured,
                    found == sensitivity.end() ? nullptr : found->second});
  };
  if (conversion.distributions) {
    for (const SiteDistribution& site : conversion.distributions->sites) add(site.site, site.role, &site);
    return rows;
  }
  for (const auto& [name, schemes] : conversion.plan.activations) add(name, Role::values, nullptr);
  for (const auto& [name, scheme] : conversion.plan.softmax) add(name, Role::probabilities, nullptr);
  for (const auto& [name, scheme] : conversion.plan.residuals) add(name, Role::residual, nullptr);
  return rows;
}

std::vector<SiteRow> worst_rows_first(std::vector<SiteRow> rows) {
  std::stable_sort(rows.begin(), rows.end(),
                   [](const SiteRow& a, const SiteRow& b) { return a.rank_db() < b.rank_db(); });
  return rows;
}

std::string sites_table(const Conversion& conversion, const std::vector<SiteRow>& rows, const std::string& judged) {
  const bool at_output = conversion.sensitivity.has_value();
  std::string text = "<h2>Activation quantizers, worst first</h2>\n<p>";
  text += at_output ? "Ranked by what each alone costs at " + judged + " (" +
                          std::to_string(conversion.sensitivity->pictures) + " pictures)."
                    : "Ranked by the error at their own place; what each costs at " + judged +
                          " is measured with <code>convert --sensitivity</code>.";
  text += "</p>\n";
  std::vector<std::string> header = {"place",     "what it is",         "codes", "bits", "aside %",
                                     "alone, dB", "with all before, dB"};
  if (at_output) {
    header.insert(header.end(), {"alone at the output, dB", "with all before, at the output, dB"});
  }
  html::Table table(header, 3);
  for (const SiteRow& row : worst_rows_first(rows)) {
    const SiteDistribution* m = row.measured;
    table.add({escape(row.name), role_text(row.role), "<div class=\"codes\">" + escape(row.scheme.codes) + "</div>",
               row.scheme.bits, m != nullptr && m->aside_share > 0 ? html::number(100 * m->aside_share, 2) : "",
               m != nullptr ? html::decibel_cell(m->own_db) : "",
               m != nullptr ? html::decibel_cell(m->accumulated_db) : "",
               row.sensitivity != nullptr ? html::decibel_cell(row.sensitivity->isolated_db) : "",
               row.sensitivity != nullptr ? html::decibel_cell(row.sensitivity->accumulated_db) : ""});
  }
  return text + table.text();
}

std::string layers_table(const Conversion& conversion, const std::string& judged) {
  if (!conversion.distributions) return {};
  std::map<std::string, double> at_output;
  if (conversion.sensitivity) {
    for (const LayerSensitivity& layer : conversion.sensitivity->layers) at_output[layer.layer] = layer.isolated_db;
  }
  std::vector<WeightError> layers = conversion.distributions->layers;
  const auto rank = [&](const WeightError& error) {
    const auto found = at_output.find(error.layer);
    return found == at_output.end() ? error.db : found->second;
  };
  std::stable_sort(layers.begin(), layers.end(),
                   [&](const WeightError& a, const WeightError& b) { return rank(a) < rank(b); });
  std::string text =
      "<h2>Weights, worst first</h2>\n<p>How far the integers are from the float weights. Rounding with feedback makes "
      "this error larger on purpose, to make that of what the layer gives smaller.</p>\n";
  std::vector<std::string> header = {"layer", "bits", "range", "weights, dB"};
  if (!at_output.empty()) header.push_back("alone at " + judged + ", dB");
  html::Table table(header, 1);
  for (const WeightError& error : layers) {
    const auto scheme = conversion.plan.weights.find(error.layer);
    const bool known = scheme != conversion.plan.weights.end();
    const auto found = at_output.find(error.layer);
    table.add({escape(error.layer), known ? std::to_string(scheme->second.bits) : "",
               !known                                     ? ""
               : scheme->second.range == WeightRange::max ? "all values"
                                                          : "least squares",
               html::decibel_cell(error.db), found == at_output.end() ? "" : html::decibel_cell(found->second)});
  }
  return text + table.text();
}

std::string key(const char* colour, const std::string& text) {
  return "<span><span class=\"key " + std::string(colour) + "\"></span>" + text + "</span>";
}

// Places of sites and layers in one order: a layer stands behind its input.
std::vector<std::string> order_of(const Distributions& d) {
  std::vector<std::string> order;
  std::map<std::string, bool> placed;
  for (const SiteDistribution& site : d.sites) {
    order.push_back(site.site);
    const std::size_t dot = site.site.rfind(".input");
    if (dot != std::string::npos && dot + 6 == site.site.size()) {
      order.push_back(site.site.substr(0, dot));
      placed[order.back()] = true;
    }
  }
  std::vector<std::string> front;
  for (const WeightError& layer : d.layers) {
    if (!placed[layer.layer]) front.push_back(layer.layer);
  }
  order.insert(order.begin(), front.begin(), front.end());
  return order;
}

std::string depth_section(const Distributions& d) {
  DepthSeries own{"own", "this quantizer alone", false, {}, {}},
      sum{"sum", "weights and all before quantized", true, {}, {}};
  DepthSeries weights{"weight", "weights of this layer", false, {}, {}};
  for (const SiteDistribution& site : d.sites) {
    own.names.push_back(site.site);
    own.db.push_back(site.own_db);
    sum.names.push_back(site.site);
    sum.db.push_back(site.accumulated_db);
  }
  for (const WeightError& layer : d.layers) {
    weights.names.push_back(layer.layer);
    weights.db.push_back(layer.db);
  }
  return "<h2>Where precision is lost along the depth</h2>\n<p>Signal to noise on " + std::to_string(d.pictures) +
         " calibration pictures; higher is better, and 6 dB are one bit. Where the joined line falls, error is added; "
         "what lies far below its neighbours is where bits help.</p>\n<p class=\"legend\">" +
         key("own", "one activation quantizer alone") + key("sum", "the same values with everything before quantized") +
         key("weight", "weights of one layer") + "</p>\n" + draw_depth(order_of(d), {sum, own, weights});
}

std::string distributions_section(const std::vector<SiteRow>& rows) {
  std::string text = "<h2>Values before and after, of the " + std::to_string(std::min(rows.size(), kDrawnSites)) +
                     " worst</h2>\n<p>Counts are drawn on a logarithmic scale, so that single outliers show.</p>\n<p "
                     "class=\"legend\">" +
                     key("before", "before") + key("own", "after") +
                     key("level", "levels that codes can have, where they are fixed") + "</p>\n<div class=\"cards\">\n";
  std::size_t drawn = 0;
  for (const SiteRow& row : worst_rows_first(rows)) {
    if (row.measured == nullptr || row.measured->before.count() == 0 || drawn++ >= kDrawnSites) continue;
    text += "<figure>" + draw_distribution(*row.measured, row.scheme.levels) + "<figcaption><b>" + escape(row.name) +
            "</b><br>" + row.scheme.bits + " bits, " + escape(row.scheme.codes) + "; " +
            html::decibels(row.measured->own_db) + " dB alone</figcaption></figure>\n";
  }
  return text + "</div>\n";
}

constexpr const char* kLegend =
    "<h2>How to read this page</h2>\n<p><b>dB</b>: 10 log10 of the float values' power over that of the difference. 20 "
    "dB "
    "are a tenth of the values' size, 40 dB a hundredth. A bar is as long as its decibels, up to 60. <b>!!</b> is "
    "below "
    "15 dB, <b>!</b> below 25; one such place among many often costs nothing, several in one block usually do.</p>\n"
    "<p><b>alone</b>: this quantizer in the float network. <b>with all before</b>: all weights and all activations up "
    "to here are quantized. <b>aside</b>: values that have no code of few bits, since they are too large. <b>W4A8</b>: "
    "weights of 4 bits, activations of 8. Figures are of calibration pictures; accuracy is measured on others, with "
    "<code>vitrun MODEL --eval LIST</code>.</p>\n";

}  // namespace

std::string html_report(const Conversion& conversion, const std::string& name) {
  const std::string title =
      name.empty() ? conversion.metadata.at("architecture") : std::filesystem::path(name).filename().string();
  std::string page = html::begin_page(title, model_subtitle(conversion.metadata));
  std::string judged = "the output";
  const auto model = Model::from_memory(conversion.file, "converted model");
  if (model.ok()) {
    judged = escape(judged_text(*model.value()));
    page += model_tiles(*model.value()) + "<h2>The model</h2>\n" + model_facts(*model.value());
  }
  const std::vector<SiteRow> rows = site_rows(conversion);
  if (conversion.distributions) page += depth_section(*conversion.distributions);
  page += sites_table(conversion, rows, judged) + layers_table(conversion, judged);
  if (conversion.distributions) page += distributions_section(rows);
  return page + kLegend + html::end_page();
}

}  // namespace intvit
