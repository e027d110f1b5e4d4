#include "converter/methods/knobs.h"

#include <cmath>
#include <cstdio>
#include <cstdlib>

namespace intvit {
namespace {

std::span<const Knob> all_knobs() {
  static const std::vector<Knob> kKnobs = {
#define VIT_KNOB(method, name, initial, lowest, highest, help) {#method, #name, initial, lowest, highest, help},
#include "converter/methods/knobs.inc"
#undef VIT_KNOB
  };
  return kKnobs;
}

std::string text_of(double value) {
  char buffer[32];
  std::snprintf(buffer, sizeof buffer, "%g", value);
  return buffer;
}

std::string described(std::string_view method) {
  std::string text;
  for (const Knob& knob : knobs_of(method)) {
    text += (text.empty() ? "" : ", ") + std::string(knob.name) + " (" + text_of(knob.lowest) + ".." +
            text_of(knob.highest) + ")";
  }
  return text.empty() ? "method '" + std::string(method) + "' has none" : "'" + std::string(method) + "' has: " + text;
}

}  // namespace

std::vector<Knob> knobs_of(std::string_view method) {
  std::vector<Knob> found;
  for (const Knob& knob : all_knobs()) {
    if (knob.method == method) found.push_back(knob);
  }
  return found;
}

Knobs::Knobs(std::string_view method) {
  for (const Knob& knob : knobs_of(method)) values_.emplace(knob.name, knob.initial);
}

Result<Knobs> Knobs::with(std::string_view method, std::span<const std::string> settings) {
  Knobs knobs(method);
  const std::vector<Knob> known = knobs_of(method);
  for (const std::string& setting : settings) {
    const auto refuse = [&](const std::string& what) {
      return Status(Code::invalid_argument, "setting '" + setting + "' " + what + "; " + described(method));
    };
    const std::size_t equals = setting.find('=');
    if (equals == std::string::npos) return refuse("is not name=value");
    const std::string name = setting.substr(0, equals), text = setting.substr(equals + 1);
    const Knob* knob = nullptr;
    for (const Knob& candidate : known) {
      if (candidate.name == name) knob = &candidate;
    }
    if (knob == nullptr) return refuse("names no knob of the method");
    char* end = nullptr;
    const double value = std::strtod(text.c_str(), &end);
    if (text.empty() || *end != '\0' || !std::isfinite(value)) return refuse("has no number");
    if (value < knob->lowest || value > knob->highest) return refuse("is out of range");
    knobs.values_[name] = value;
  }
  return knobs;
}

}  // namespace intvit
