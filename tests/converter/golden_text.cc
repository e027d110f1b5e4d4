#include "tests/converter/golden_text.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <sstream>

namespace intvit {
namespace {

constexpr double kRelative = 0.002, kAbsolute = 0.02, kDecibels = 2.5;
constexpr int kMostShown = 10;
constexpr std::size_t kMostSingled = 512;  // of more numbers none is singled out

std::string formatted(const char* format, double value) {
  char text[48];
  std::snprintf(text, sizeof text, format, value == 0 ? 0.0 : value);  // no minus in front of zero
  return text;
}

bool agrees(const std::string& expected, const std::string& got) {
  if (expected == got) return true;
  char *end_expected = nullptr, *end_got = nullptr;
  const double a = std::strtod(expected.c_str(), &end_expected), b = std::strtod(got.c_str(), &end_got);
  if (std::string(end_expected) != end_got) return false;
  if (std::string(end_got) == "dB") return std::abs(a - b) <= kDecibels;
  if (*end_got != '\0') return false;
  const bool relative = expected.find('e') != std::string::npos;
  if (relative != (got.find('e') != std::string::npos)) return false;
  if (relative) return std::abs(a - b) <= kRelative * std::max(std::abs(a), std::abs(b));
  return expected.find('.') != std::string::npos && std::abs(a - b) <= kAbsolute;
}

bool lines_agree(const std::string& expected, const std::string& got) {
  std::istringstream left(expected), right(got);
  std::string a, b;
  for (;;) {
    const bool more_left = static_cast<bool>(left >> a), more_right = static_cast<bool>(right >> b);
    if (more_left != more_right) return false;
    if (!more_left) return true;
    if (!agrees(a, b)) return false;
  }
}

}  // namespace

std::string relative_number(double value) { return formatted("%.4e", value); }
std::string share_number(double value) { return formatted("%.3f", value); }
std::string decibels(double value) { return formatted("%.1fdB", value); }

std::string summary(std::span<const double> values) {
  double square = 0, sum = 0, ramp = 0;
  const auto n = static_cast<double>(values.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    square += values[i] * values[i] / n;
    sum += values[i] / n;
    ramp += values[i] * (2 * (static_cast<double>(i) + 0.5) / n - 1) / n;
  }
  const double rms = std::sqrt(square), unit = rms > 0 ? rms : 1;
  std::string text = std::to_string(values.size()) + " rms " + relative_number(rms);
  if (values.empty()) return text;
  text += " mean " + share_number(sum / unit) + " ramp " + share_number(ramp / unit);
  if (values.size() > kMostSingled) return text;
  return text + " ends " + share_number(values.front() / unit) + " " + share_number(values[values.size() / 2] / unit) +
         " " + share_number(values.back() / unit);
}

std::string differences(const std::vector<std::string>& expected, const std::vector<std::string>& got) {
  std::string text;
  int count = 0;
  for (std::size_t i = 0; i < std::max(expected.size(), got.size()); ++i) {
    const std::string left = i < expected.size() ? expected[i] : "(nothing)";
    const std::string right = i < got.size() ? got[i] : "(nothing)";
    if (lines_agree(left, right)) continue;
    if (++count <= kMostShown) text += "line " + std::to_string(i + 1) + "\n  - " + left + "\n  + " + right + "\n";
  }
  if (count > kMostShown) text += "and " + std::to_string(count - kMostShown) + " more lines\n";
  return text;
}

}  // namespace intvit
