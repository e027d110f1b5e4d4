#include "converter/report/drawings.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>

#include "converter/report/html.h"

namespace intvit {
namespace {

using html::escape;
using html::number;

std::string line(double x1, double y1, double x2, double y2, const std::string& colour, const char* more = "") {
  return "<line x1=\"" + number(x1) + "\" y1=\"" + number(y1) + "\" x2=\"" + number(x2) + "\" y2=\"" + number(y2) +
         "\" stroke=\"var(--" + colour + ")\" " + more + "/>";
}

std::string label(double x, double y, const char* anchor, const std::string& text) {
  return "<text x=\"" + number(x) + "\" y=\"" + number(y) + "\" text-anchor=\"" + anchor + "\">" + escape(text) +
         "</text>";
}

std::string svg(const char* css, int width, int height, const std::string& title) {
  return "<svg class=\"" + std::string(css) + "\" viewBox=\"0 0 " + std::to_string(width) + " " +
         std::to_string(height) + "\" role=\"img\"><title>" + escape(title) + "</title>\n";
}

// "blocks.3" of "blocks.3.mlp.fc1": up to the last part that is a number, else the first part.
std::string block_of(const std::string& name) {
  std::string block = name.substr(0, name.find('.'));
  for (std::size_t begin = 0; begin < name.size();) {
    const std::size_t end = std::min(name.find('.', begin), name.size());
    const std::string part = name.substr(begin, end - begin);
    if (!part.empty() && part.find_first_not_of("0123456789") == std::string::npos) block = name.substr(0, end);
    begin = end + 1;
  }
  return block;
}

// A round step of an axis that shows `range` with about `wanted` marks.
double round_step(double range, int wanted) {
  const double raw = std::max(range, 1e-9) / wanted, power = std::pow(10, std::floor(std::log10(raw)));
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (raw <= factor * power) return factor * power;
  }
  return 10 * power;
}

std::string draw_series(const DepthSeries& one, const std::map<std::string, double>& place,
                        const std::function<double(double)>& y_of) {
  std::string dots, path;
  for (std::size_t i = 0; i < one.names.size(); ++i) {
    const auto at = place.find(one.names[i]);
    if (at == place.end() || !std::isfinite(one.db[i])) continue;
    const std::string x = number(at->second), y = number(y_of(one.db[i]));
    path += (path.empty() ? "M" : "L") + x + " " + y;
    dots += "<circle cx=\"" + x + "\" cy=\"" + y + "\" r=\"3\" fill=\"var(--" + one.colour + ")\"><title>" +
            escape(one.names[i] + ": " + html::decibels(one.db[i]) + " dB, " + one.what) + "</title></circle>";
  }
  if (!one.line || path.empty()) return dots + "\n";
  return "<path d=\"" + path + "\" fill=\"none\" stroke=\"var(--" + one.colour + ")\" stroke-width=\"1.5\"/>\n" + dots +
         "\n";
}

constexpr std::size_t kDrawnBins = 96;

using DrawnBins = std::array<double, kDrawnBins>;

DrawnBins drawn_bins(const Histogram& histogram, double low, double high) {
  DrawnBins bins{};
  const double width = std::max(high - low, 1e-30) / kDrawnBins;
  histogram.for_each([&](double value, std::uint64_t count) {
    const double bin = std::clamp((value - low) / width, 0.0, kDrawnBins - 1.0);
    bins[static_cast<std::size_t>(bin)] += static_cast<double>(count);
  });
  return bins;
}

std::string short_number(double value) {
  char buffer[40];
  std::snprintf(buffer, sizeof buffer, "%.3g", value);
  return buffer;
}

}  // namespace

std::string draw_depth(const std::vector<std::string>& order, const std::vector<DepthSeries>& series) {
  constexpr int kWidth = 960, kHeight = 300, kLeft = 44, kRight = 8, kTop = 10, kBottom = 40;
  double high = 30;
  for (const DepthSeries& one : series) {
    for (const double db : one.db) {
      if (std::isfinite(db) && db < 200) high = std::max(high, db);
    }
  }
  high = std::min(std::ceil(high / 10) * 10, 100.0);
  const auto y_of = [&](double db) {
    return kTop + (kHeight - kTop - kBottom) * (1 - std::clamp(db / high, 0.0, 1.0));
  };
  std::string out = svg("depth", kWidth, kHeight, "Signal to noise along the network");
  for (double db = 0; db <= high; db += 10) {
    out +=
        line(kLeft, y_of(db), kWidth - kRight, y_of(db), "line") + label(kLeft - 6, y_of(db) + 4, "end", number(db, 0));
  }
  out += label(4, kHeight - 6, "start", "dB");
  std::map<std::string, double> place;
  const double step = (kWidth - kLeft - kRight) / static_cast<double>(std::max<std::size_t>(order.size(), 1));
  std::string block;
  double last_label = -100;
  for (std::size_t i = 0; i < order.size(); ++i) {
    const double x = kLeft + step * (static_cast<double>(i) + 0.5);
    place[order[i]] = x;
    const std::string own_block = block_of(order[i]);
    if (own_block == block) continue;
    block = own_block;
    out += line(x - step / 2, kTop, x - step / 2, kHeight - kBottom, "line", "stroke-dasharray=\"2 3\"");
    // What has no number, such as the patch embedding, would take the place of numbers.
    const bool numbered = block.find('.') != std::string::npos;
    if (!numbered && i + 1 < order.size()) continue;
    const std::string shown = block.starts_with("blocks.") ? block.substr(7) : block;
    if (x - last_label < 8 + 7 * static_cast<double>(shown.size())) continue;
    const bool is_last = i + 1 == order.size();
    out += label(is_last ? kWidth : x - step / 2 + 2, kHeight - kBottom + 14, is_last ? "end" : "start", shown);
    last_label = x;
  }
  out += label((kWidth + kLeft) / 2.0, kHeight - 6, "middle", "block, in the order of execution");
  for (const DepthSeries& one : series) out += draw_series(one, place, y_of);
  return "<figure class=\"wide\">" + out + "</svg></figure>\n";
}

std::string draw_distribution(const SiteDistribution& site, const std::vector<double>& levels) {
  constexpr int kWidth = 320, kHeight = 150, kTop = 6, kBottom = 22;
  const double low = std::min(site.before.min(), site.after.min()),
               high = std::max(site.before.max(), site.after.max());
  const DrawnBins before = drawn_bins(site.before, low, high), after = drawn_bins(site.after, low, high);
  double most = 1;
  for (std::size_t i = 0; i < kDrawnBins; ++i) most = std::max({most, before[i], after[i]});
  const double bar = static_cast<double>(kWidth) / kDrawnBins, base = kHeight - kBottom;
  const auto height = [&](double count) { return (base - kTop) * std::log1p(count) / std::log1p(most); };
  std::string out = svg("distribution", kWidth, kHeight, "Values of " + site.site + " before and after its quantizer");
  std::string filled = "M0 " + number(base), outline;
  for (std::size_t i = 0; i < kDrawnBins; ++i) {
    const double x = bar * static_cast<double>(i);
    filled += "V" + number(base - height(before[i])) + "H" + number(x + bar);
    if (after[i] > 0) {
      outline += "M" + number(x + bar / 2) + " " + number(base) + "V" + number(base - height(after[i]));
    }
  }
  for (const double level : levels) {
    if (level < low || level > high) continue;
    const double x = (level - low) / std::max(high - low, 1e-30) * kWidth;
    out += line(x, base, x, base + 6, "level", "stroke-width=\"1.2\"");
  }
  out += "<path d=\"" + filled + "V" + number(base) + "Z\" fill=\"var(--before)\" opacity=\".55\"/>";
  out += "<path d=\"" + outline + "\" fill=\"none\" stroke=\"var(--own)\" stroke-width=\"1.4\"/>";
  out += line(0, base, kWidth, base, "text");
  out += label(0, kHeight - 3, "start", short_number(low)) + label(kWidth, kHeight - 3, "end", short_number(high));
  if (low < 0 && high > 0) {
    const double zero = -low / (high - low) * kWidth;
    if (zero > 50 && zero < kWidth - 50) out += label(zero, kHeight - 3, "middle", "0");
  }
  return out + "</svg>\n";
}

std::string draw_scatter(const std::vector<ScatterPoint>& points, const std::string& x_title,
                         const std::string& y_title) {
  constexpr int kWidth = 420, kHeight = 280, kLeft = 50, kRight = 24, kTop = 26, kBottom = 42;
  if (points.empty()) return {};
  const auto by_x = [](const ScatterPoint& a, const ScatterPoint& b) { return a.x < b.x; };
  const auto by_y = [](const ScatterPoint& a, const ScatterPoint& b) { return a.y < b.y; };
  const auto [left, right] = std::minmax_element(points.begin(), points.end(), by_x);
  const auto [lowest, highest] = std::minmax_element(points.begin(), points.end(), by_y);
  const double x_step = round_step(std::max(right->x - left->x, right->x * 0.1), 4);
  const double y_step = round_step(std::max(highest->y - lowest->y, 1.0), 4);
  const double x_low = std::max(std::floor(left->x / x_step - 0.5), 0.0) * x_step;
  const double x_high = std::ceil(right->x / x_step + 0.2) * x_step;
  const double y_low = std::floor(lowest->y / y_step - 0.2) * y_step;
  const double y_high = std::ceil(highest->y / y_step + 0.2) * y_step;
  const auto x_of = [&](double x) { return kLeft + (x - x_low) / (x_high - x_low) * (kWidth - kLeft - kRight); };
  const auto y_of = [&](double y) { return kTop + (y_high - y) / (y_high - y_low) * (kHeight - kTop - kBottom); };
  std::string out = svg("scatter", kWidth, kHeight, y_title + " against " + x_title);
  const auto decimals = [](double step) { return std::max(0, static_cast<int>(std::ceil(-std::log10(step) - 1e-9))); };
  for (int i = 0; y_low + i * y_step <= y_high * 1.0000001 && i < 20; ++i) {
    const double y = y_low + i * y_step;
    out += line(kLeft, y_of(y), kWidth - kRight, y_of(y), "line") +
           label(kLeft - 6, y_of(y) + 4, "end", number(y, decimals(y_step)));
  }
  for (int i = 0; x_low + i * x_step <= x_high * 1.0000001 && i < 20; ++i) {
    const double x = x_low + i * x_step;
    out += label(x_of(x), kHeight - kBottom + 16, "middle", number(x, decimals(x_step)));
  }
  out += label((kWidth + kLeft) / 2.0, kHeight - 6, "middle", x_title) + label(0, 14, "start", y_title);
  for (std::size_t i = 0; i < points.size(); ++i) {
    const double x = x_of(points[i].x), y = y_of(points[i].y);
    out += "<circle cx=\"" + number(x) + "\" cy=\"" + number(y) + "\" r=\"5\" fill=\"var(--own)\"><title>" +
           escape(points[i].name) + "</title></circle>";
    // Those at one place have their numbers one above the other.
    const auto same =
        std::count_if(points.begin(), points.begin() + static_cast<std::ptrdiff_t>(i),
                      [&](const auto& p) { return std::abs(x_of(p.x) - x) < 16 && std::abs(y_of(p.y) - y) < 10; });
    out += label(x + 8, y + 4 - 13 * static_cast<double>(same), "start", std::to_string(i + 1));
  }
  return "<figure>" + out + "</svg><figcaption>" + escape(y_title + " against " + x_title) + "</figcaption></figure>\n";
}

}  // namespace intvit
