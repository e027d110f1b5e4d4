#include "converter/report/models_report.h"

#include <cstdlib>
#include <sstream>

#include "converter/report/drawings.h"
#include "converter/report/html.h"
#include "converter/report/model_section.h"
#include "engine/program/program.h"

namespace intvit {
namespace {

std::string optional_number(const std::optional<double>& value, int decimals) {
  return value ? html::number(*value, decimals) : "";
}

std::string metadata_value(const Metadata& metadata, const std::string& key) {
  const auto found = metadata.find(key);
  return found == metadata.end() ? "" : found->second;
}

double megabytes(const ReportedModel& one) { return static_cast<double>(one.model->file_bytes()) / 1e6; }

// Top-1 where pictures were evaluated, else the agreement with float that the file records.
std::optional<double> accuracy_of(const ReportedModel& one, const ModelsReport& report) {
  if (!report.list.empty()) return one.top1;
  const std::string agreement = metadata_value(one.model->metadata(), "top1_agreement_percent");
  if (agreement.empty()) return std::nullopt;
  return std::strtod(agreement.c_str(), nullptr);
}

std::string comparison(const ModelsReport& report) {
  const bool evaluated = !report.list.empty();
  const std::string accuracy = evaluated ? "top-1, %" : "same top-1 as float, %";
  std::string text = "<h2>Accuracy against size and time</h2>\n<p>";
  text += evaluated ? "Top-1 on " + std::to_string(report.pictures) + " pictures of " + html::escape(report.list) + "."
                    : "What the conversions recorded; with <code>--eval LIST</code> accuracy is measured.";
  if (report.has_float) text += " Float has " + html::number(report.float_top1, 2) + " %.";
  if (report.failed > 0) text += " " + std::to_string(report.failed) + " more cannot be read.";
  text += " Times are of one thread (" + html::escape(report.isa) + "), from pixels to outputs.</p>\n";
  html::Table table({"model", "bits", "method", accuracy, "signal to noise, dB", "MB", "ms a picture"}, 3);
  std::vector<ScatterPoint> by_size, by_time;
  for (std::size_t i = 0; i < report.models.size(); ++i) {
    const ReportedModel& one = report.models[i];
    const Metadata& metadata = one.model->metadata();
    const std::optional<double> value = accuracy_of(one, report);
    const double db = judged_db(metadata);
    table.add({std::to_string(i + 1) + " " + html::escape(one.name),
               "W" + html::escape(metadata_value(metadata, "weight_bits")) + "A" +
                   html::escape(metadata_value(metadata, "activation_bits")),
               html::escape(metadata_value(metadata, "method")), optional_number(value, 2),
               db > 0 ? html::decibels(db) : "", html::number(megabytes(one), 2),
               optional_number(one.milliseconds, 2)});
    if (!value) continue;
    by_size.push_back({megabytes(one), *value, one.name});
    if (one.milliseconds) by_time.push_back({*one.milliseconds, *value, one.name});
  }
  text += table.text();
  if (by_size.size() != report.models.size()) return text;  // the numbers of points would not be those of rows
  text += "<div class=\"cards\">" + draw_scatter(by_size, "MB", accuracy);
  if (by_time.size() == by_size.size()) text += draw_scatter(by_time, "ms a picture", accuracy);
  return text + "</div>\n";
}

std::string class_text(const Model& model, int index) {
  if (index < 0) return "";
  const auto i = static_cast<std::size_t>(index);
  return i < model.labels().size() ? html::escape(model.labels()[i]) : "class " + std::to_string(index);
}

std::string answers_section(const ModelsReport& report) {
  if (report.list.empty() || report.models.size() + (report.has_float ? 1 : 0) < 2) return {};
  std::string text = "<h2>Pictures whose answer changed</h2>\n<p>" + std::to_string(report.changed) + " of " +
                     std::to_string(report.pictures) + " have another most likely class than " +
                     (report.has_float ? "the float network" : html::escape(report.models[0].name)) + " gives";
  text += report.answers.size() < static_cast<std::size_t>(report.changed)
              ? "; the first " + std::to_string(report.answers.size()) + ":</p>\n"
              : ".</p>\n";
  if (report.answers.empty()) return text;
  std::vector<std::string> header = {"picture", "", "its class"};
  if (report.has_float) header.push_back("float");
  for (const ReportedModel& one : report.models) header.push_back(html::escape(one.name));
  html::Table table(header, header.size());
  for (const ChangedAnswer& answer : report.answers) {
    const std::string image = answer.thumbnail.empty() ? "" : "<img alt=\"\" src=\"" + answer.thumbnail + "\">";
    std::vector<std::string> cells = {html::escape(answer.picture), image,
                                      class_text(*report.models[0].model, answer.label)};
    for (std::size_t m = 0; m < answer.answers.size(); ++m) {
      const bool right = answer.answers[m] == answer.label;
      cells.push_back(class_text(*report.models[0].model, answer.answers[m]) + (right ? " &#10003;" : ""));
    }
    table.add(cells);
  }
  return text + table.text() + "<p class=\"soft\">&#10003;: the list's class.</p>\n";
}

struct RecordedSites {
  std::vector<std::string> names;
  std::vector<double> db;
};

// What conversion recorded of sites: a name and a number in each line.
RecordedSites recorded_sites(const Metadata& metadata) {
  RecordedSites sites;
  std::istringstream lines(metadata_value(metadata, "site_sqnr_db"));
  for (std::string line; std::getline(lines, line);) {
    const std::size_t blank = line.rfind(' ');
    if (blank == std::string::npos) continue;
    sites.names.push_back(line.substr(0, blank));
    sites.db.push_back(std::strtod(line.c_str() + blank, nullptr));
  }
  return sites;
}

std::string recorded_section(const Model& model) {
  const RecordedSites sites = recorded_sites(model.metadata());
  std::vector<DepthSeries> series;
  std::vector<std::string> order = sites.names;
  std::string text;
  if (!sites.names.empty())
    series.push_back({"own", "a quantizer of even steps alone, at its own place", false, sites.names, sites.db});
  if (const auto sensitivity = stored_sensitivity(model.metadata())) {
    DepthSeries sum{"sum", "all activations up to it, at the output", true, {}, {}};
    html::Table table({"place", "alone at the output, dB", "with all before, dB"}, 1);
    html::Table layers({"weights of", "alone at the output, dB"}, 1);
    for (const SiteSensitivity& site : worst_first(sensitivity->sites)) {
      table.add(
          {html::escape(site.site), html::decibel_cell(site.isolated_db), html::decibel_cell(site.accumulated_db)});
    }
    for (const LayerSensitivity& layer : worst_first(sensitivity->layers)) {
      layers.add({html::escape(layer.layer), html::decibel_cell(layer.isolated_db)});
    }
    order.clear();
    for (const SiteSensitivity& site : sensitivity->sites) {
      order.push_back(site.site);
      sum.names.push_back(site.site);
      sum.db.push_back(site.accumulated_db);
    }
    series.push_back(sum);
    text = "<h3>Sensitivity of " + html::escape(judged_text(model)) + ", worst first</h3>\n" + table.text() +
           layers.text();
  }
  if (series.empty()) return {};
  std::string legend;
  for (const DepthSeries& one : series) {
    legend += "<span><span class=\"key " + one.colour + "\"></span>" + one.what + "</span>";
  }
  return "<p class=\"legend\">" + legend + "</p>\n" + draw_depth(order, series) + text;
}

std::string steps_table(const Model& model) {
  html::Table table({"layer", "operation", "format"}, 3);
  for (const Step& step : model.program().steps) {
    table.add({html::escape(step.layer), html::escape(std::string(step.op->name())),
               html::escape(step.op->describe(model.program()))});
  }
  return "<h3>Steps</h3>\n" + table.text();
}

constexpr const char* kModelsLegend =
    "<h2>How to read this page</h2>\n<p><b>dB</b>: 10 log10 of the float values' power over that of the difference; 6 "
    "dB "
    "are one bit. <b>W4A8</b>: weights of 4 bits, activations of 8. <b>!!</b> is below 15 dB, <b>!</b> below 25. "
    "Values "
    "before and after each quantizer are on the page of <code>vitconvert convert --report</code>, which has the float "
    "network at hand.</p>\n";

}  // namespace

std::string models_report(const ModelsReport& report) {
  const bool single = report.models.size() == 1;
  std::string title;
  for (std::size_t i = 0; i < report.models.size() && i < 3; ++i) title += (i > 0 ? ", " : "") + report.models[i].name;
  if (report.models.size() > 3) title += " and " + std::to_string(report.models.size() - 3) + " more";
  std::string page = html::begin_page(title, single ? model_subtitle(report.models[0].model->metadata())
                                                    : std::to_string(report.models.size()) + " models");
  if (single) page += model_tiles(*report.models[0].model);
  page += comparison(report) + answers_section(report);
  for (const ReportedModel& one : report.models) {
    page += "<h2>" + html::escape(one.name) + "</h2>\n" + model_facts(*one.model) + recorded_section(*one.model) +
            steps_table(*one.model);
  }
  return page + kModelsLegend + html::end_page();
}

}  // namespace intvit
