#include "converter/report/html_report.h"

#include <algorithm>
#include <cstdio>

namespace intvit {
namespace {

constexpr double kBarPixelsPerDb = 8;

std::string escape(const std::string& text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::string number(double value) {
  char buffer[32];
  std::snprintf(buffer, sizeof buffer, "%.1f", value);
  return buffer;
}

// Red below 20 dB, where 8-bit codes lose visibly, amber below 30.
const char* colour(double db) { return db < 20 ? "#c0392b" : db < 30 ? "#d68910" : "#2e86ab"; }

// A row: name, decibels as number and as bar, then `more` cells.
std::string bar(const std::string& name, double db, const std::string& more = "") {
  const double width = std::clamp(db, 0.0, 60.0) * kBarPixelsPerDb;
  return "<tr><td>" + escape(name) + "</td><td class=n>" + number(db) +
         "</td><td><svg width=\"490\" height=\"12\"><rect width=\"" + number(width) + "\" height=\"12\" fill=\"" +
         colour(db) + "\"/></svg></td>" + more + "</tr>\n";
}

// `judged` is the output that it is about.
std::string sensitivity_section(const Sensitivity& sensitivity, const std::string& judged) {
  std::string text =
      "<h2>Sensitivity of " + judged + ", worst first</h2>\n<p>Signal to noise (dB) of " + judged + " on " +
      std::to_string(sensitivity.pictures) +
      " pictures when this quantizer alone is in the float network, and (last column) when all activation quantizers "
      "up to it are.</p>\n<table>\n";
  for (const SiteSensitivity& s : worst_first(sensitivity.sites))
    text += bar(s.site, s.isolated_db, "<td class=n>" + number(s.accumulated_db) + "</td>");
  text += "</table>\n<h2>Sensitivity of " + judged + " to the weights of single layers</h2>\n<table>\n";
  for (const LayerSensitivity& l : worst_first(sensitivity.layers)) text += bar(l.layer, l.isolated_db);
  return text + "</table>\n";
}

}  // namespace

std::string html_report(const Conversion& conversion) {
  const Verification& v = conversion.verification;
  std::string page =
      "<!doctype html><html lang=en><meta charset=utf-8><title>intvit conversion</title>\n"
      "<style>body{font:15px/1.4 sans-serif;max-width:60em;margin:2em auto;padding:0 1em}td{padding:1px 10px 1px 0}"
      ".n{text-align:right}</style>\n<h1>Conversion</h1>\n<p>On " +
      std::to_string(v.pictures) + " calibration pictures";
  if (v.top1_agreement) {
    page += " the most likely class is the float network's for <b>" + number(*v.top1_agreement) + " %</b>;";
  }
  page += " signal to noise:";
  for (const OutputSqnr& output : v.outputs) {
    page += " " + escape(output.output) + " <b>" + number(output.sqnr_db) + " dB</b>";
  }
  page += ".</p>\n<table>\n";
  for (const auto& [key, value] : conversion.metadata) {
    if (key == "labels" || key == "site_sqnr_db" || is_sensitivity_key(key)) continue;
    page += "<tr><td>" + escape(key) + "</td><td>" + escape(value) + "</td></tr>\n";
  }
  page +=
      "</table>\n<h2>Activation quantizers, worst first</h2>\n<p>Signal to quantization noise (dB) of every site by "
      "itself; for query, key and value of the worst head.</p>\n<table>\n";
  std::vector<SiteError> errors = conversion.site_errors;
  std::stable_sort(errors.begin(), errors.end(),
                   [](const SiteError& a, const SiteError& b) { return a.sqnr_db < b.sqnr_db; });
  for (const SiteError& error : errors) page += bar(error.site, error.sqnr_db);
  page += "</table>\n";
  if (conversion.sensitivity) {
    page += sensitivity_section(*conversion.sensitivity,
                                v.top1_agreement ? "the logits" : escape(v.outputs.front().output));
  }
  return page + "</html>\n";
}

}  // namespace intvit
