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

std::string bar(const SiteError& error) {
  const double width = std::clamp(error.sqnr_db, 0.0, 60.0) * kBarPixelsPerDb;
  return "<tr><td>" + escape(error.site) + "</td><td class=n>" + number(error.sqnr_db) +
         "</td><td><svg width=\"490\" height=\"12\"><rect width=\"" + number(width) + "\" height=\"12\" fill=\"" +
         colour(error.sqnr_db) + "\"/></svg></td></tr>\n";
}

}  // namespace

std::string html_report(const Conversion& conversion) {
  const Verification& v = conversion.verification;
  std::string page =
      "<!doctype html><html lang=en><meta charset=utf-8><title>intvit conversion</title>\n"
      "<style>body{font:15px/1.4 sans-serif;max-width:60em;margin:2em auto;padding:0 1em}td{padding:1px 10px 1px 0}"
      ".n{text-align:right}</style>\n<h1>Conversion</h1>\n<p>On " +
      std::to_string(v.pictures) + " calibration pictures the most likely class is the float network's for <b>" +
      number(v.top1_agreement) + " %</b>; signal to noise of the logits: <b>" + number(v.logit_sqnr_db) +
      " dB</b>.</p>\n<table>\n";
  for (const auto& [key, value] : conversion.metadata) {
    if (key == "labels" || key == "site_sqnr_db") continue;
    page += "<tr><td>" + escape(key) + "</td><td>" + escape(value) + "</td></tr>\n";
  }
  page +=
      "</table>\n<h2>Activation quantizers, worst first</h2>\n<p>Signal to quantization noise (dB) of every place by "
      "itself; for query, key and value of the worst head.</p>\n<table>\n";
  std::vector<SiteError> errors = conversion.site_errors;
  std::stable_sort(errors.begin(), errors.end(),
                   [](const SiteError& a, const SiteError& b) { return a.sqnr_db < b.sqnr_db; });
  for (const SiteError& error : errors) page += bar(error);
  return page + "</table>\n</html>\n";
}

}  // namespace intvit
