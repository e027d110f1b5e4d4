#include "converter/report/html.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace intvit::html {
namespace {

// The colours are those of Okabe and Ito, which people with any colour vision tell apart.
constexpr const char* kStyle = R"(
:root{--back:#fff;--text:#1b1f24;--soft:#57606a;--line:#d0d7de;--card:#f6f8fa;--good:#0072b2;--fair:#b87a00;
--poor:#d55e00;--own:#0072b2;--sum:#d55e00;--weight:#008060;--before:#9aa4ae;--level:#b87a00;color-scheme:light dark}
@media(prefers-color-scheme:dark){:root{--back:#14181d;--text:#e6e9ec;--soft:#9da7b1;--line:#39424c;--card:#1d232a;
--good:#56b4e9;--fair:#e69f00;--poor:#ff8c42;--own:#56b4e9;--sum:#ff8c42;--weight:#2fc59b;--before:#6b7681;
--level:#e69f00}}
*{box-sizing:border-box}
body{font:15px/1.5 system-ui,sans-serif;max-width:72rem;margin:0 auto;padding:1rem;background:var(--back);
color:var(--text);overflow-wrap:anywhere}
h1{font-size:1.6rem;line-height:1.2;margin:.5rem 0}
h2{font-size:1.2rem;margin:2rem 0 .4rem;border-top:1px solid var(--line);padding-top:1rem}
p{max-width:46rem;margin:.4rem 0}.soft,figcaption,caption{color:var(--soft)}
.tiles{display:flex;flex-wrap:wrap;gap:.6rem;margin:1rem 0}
.tile{background:var(--card);border:1px solid var(--line);border-radius:6px;padding:.5rem .9rem;min-width:8rem}
.tile b{display:block;font-size:1.35rem}
.wide{overflow-x:auto;max-width:100%}
table{border-collapse:collapse;font-variant-numeric:tabular-nums}
td,th{padding:.15rem .8rem .15rem 0;text-align:left;vertical-align:top;overflow-wrap:normal}
th{border-bottom:1px solid var(--line);font-weight:600;vertical-align:bottom}
td.n,th.n{text-align:right}td.n{white-space:nowrap}th{overflow-wrap:normal}
td.w{min-width:6rem}.codes{min-width:14rem}td.name{white-space:nowrap;
font-family:ui-monospace,monospace;font-size:13px}
.facts td:first-child{color:var(--soft);padding-right:1.2rem;min-width:7rem}.facts td{overflow-wrap:anywhere}
.bar{display:inline-block;height:.6rem;margin-right:.5rem;border-radius:1px}
.good{background:var(--good)}.fair{background:var(--fair)}.poor{background:var(--poor)}
.own{background:var(--own)}.sum{background:var(--sum)}.weight{background:var(--weight)}
.before{background:var(--before)}.level{background:var(--level)}
.key{display:inline-block;width:.8rem;height:.8rem;border-radius:2px;margin-right:.35rem;vertical-align:-.1rem}
.legend{max-width:none}.legend>span{display:inline-block;margin-right:1.1rem}
code{white-space:nowrap}
figure{margin:.8rem 0}svg{display:block;font:12px system-ui,sans-serif;fill:var(--text)}
svg.depth{min-width:40rem;width:100%;height:auto}
.cards{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(19rem,100%),1fr));gap:1rem}
.cards figure{background:var(--card);border:1px solid var(--line);border-radius:6px;padding:.6rem;margin:0}
.cards svg{width:100%;height:auto}figcaption{font-size:13px}figcaption b{color:var(--text)}
img{image-rendering:auto;border-radius:3px;vertical-align:middle}
@media print{:root{--back:#fff;--text:#000;--soft:#444;--line:#bbb;--card:#fff;--good:#0072b2;--fair:#b87a00;
--poor:#d55e00;--own:#0072b2;--sum:#d55e00;--weight:#008060;--before:#9aa4ae;--level:#b87a00}
body{font-size:10pt;max-width:none;padding:0}table,td.name{font-size:8pt}.bar{display:none}.codes,td.w{min-width:0}
.wide{overflow:visible}svg.depth{min-width:0}
figure,tr,.tile{break-inside:avoid}h2{break-after:avoid}
*{-webkit-print-color-adjust:exact;print-color-adjust:exact}}
)";

// How many bytes a character has that begins at `text[i]`; 0: none that may stand in a page.
std::size_t character_bytes(const std::string& text, std::size_t i) {
  const auto byte = [&](std::size_t k) { return static_cast<unsigned char>(k < text.size() ? text[k] : 0); };
  const unsigned char first = byte(i);
  if (first < 0x80) return (first >= 0x20 && first != 0x7f) || first == '\n' || first == '\t' ? 1 : 0;
  const std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4) return 0;
  for (std::size_t k = 1; k < length; ++k) {
    if ((byte(i + k) & 0xc0) != 0x80) return 0;
  }
  return length;
}

}  // namespace

std::string escape(const std::string& text) {
  std::string out;
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t bytes = character_bytes(text, i);
    switch (bytes == 0 ? '\0' : text[i]) {
      case '\0':
        out += '?';
        break;
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
      case '\'':
        out += "&#39;";
        break;
      default:
        out.append(text, i, bytes);
    }
    i += std::max<std::size_t>(bytes, 1);
  }
  return out;
}

std::string number(double value, int decimals) {
  char buffer[400];
  std::snprintf(buffer, sizeof buffer, "%.*f", decimals, value);
  return buffer;
}

std::string decibels(double db) { return db >= 200 ? "exact" : number(db); }

std::string begin_page(const std::string& title, const std::string& subtitle) {
  return "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
         "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n<title>" +
         escape(title) + " - intvit report</title>\n<style>" + kStyle + "</style></head>\n<body>\n<h1>" +
         escape(title) + "</h1>\n<p class=\"soft\">" + escape(subtitle) + "</p>\n";
}

std::string end_page() { return "</body></html>\n"; }

Grade grade_of(double db) { return db < 15 ? Grade::poor : db < 25 ? Grade::fair : Grade::good; }

const char* css_class(Grade grade) { return grade == Grade::good ? "good" : grade == Grade::fair ? "fair" : "poor"; }

std::string decibel_cell(double db) {
  const Grade grade = grade_of(db);
  const char* mark = grade == Grade::poor ? " !!" : grade == Grade::fair ? " !" : "";
  const double length = std::clamp(std::isfinite(db) ? db : 60, 0.0, 60.0) / 15;
  return "<span class=\"bar " + std::string(css_class(grade)) + "\" style=\"width:" + number(length, 2) +
         "rem\"></span>" + decibels(db) + mark;
}

Table::Table(const std::vector<std::string>& header, std::size_t left)
    : text_("<div class=\"wide\"><table><thead><tr>"), left_(left), columns_(header.size()) {
  std::size_t column = 0;
  for (const std::string& cell : header) text_ += (column++ < left ? "<th>" : "<th class=\"n\">") + cell + "</th>";
  text_ += "</tr></thead><tbody>\n";
}

void Table::add(const std::vector<std::string>& cells) {
  text_ += "<tr>";
  for (std::size_t c = 0; c < std::min(columns_, cells.size()); ++c) {
    text_ += (c == 0      ? "<td class=\"name\">"
              : c < left_ ? "<td class=\"w\">"
                          : "<td class=\"n\">") +
             cells[c] + "</td>";
  }
  text_ += "</tr>\n";
}

}  // namespace intvit::html
