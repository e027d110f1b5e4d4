#include "tools/vitconvert/sweep/combination.h"

#include <algorithm>
#include <set>

#include "converter/methods/method.h"
#include "tools/common/cli/comma_list.h"

namespace intvit {
namespace {

Status refuse(const std::string& message) { return {Code::invalid_argument, message}; }

bool is_width(char c) { return c == '3' || c == '4' || c == '5' || c == '6' || c == '8'; }
bool is_weight_width(char c) { return c == '2' || is_width(c); }

Status no_doubles(const std::string& option, const std::vector<std::string>& words) {
  std::set<std::string> seen;
  for (const std::string& word : words) {
    if (!seen.insert(word).second) return refuse(option + " names '" + word + "' twice");
  }
  return {};
}

}  // namespace

Result<std::vector<BitWidths>> parse_bit_widths(const std::string& option, const std::string& text) {
  const Result<std::vector<std::string>> words = parse_names(option, text);
  if (!words.ok()) return words.status();
  if (Status status = no_doubles(option, words.value()); !status.ok()) return status;
  std::vector<BitWidths> all;
  for (const std::string& word : words.value()) {
    if (word.size() != 4 || word[0] != 'w' || !is_weight_width(word[1]) || word[2] != 'a' || !is_width(word[3])) {
      return refuse(option + " '" + word +
                    "' must be w, the bits of weights, a, the bits of activations, each 3, 4, 5, 6 or 8, weights also "
                    "2, as in w4a8");
    }
    all.push_back({word[1] - '0', word[3] - '0'});
  }
  return all;
}

std::string Combination::method_and_settings() const {
  std::string text = method;
  for (const std::string& setting : settings) text += " " + setting;
  return text;
}

Result<std::vector<Combination>> make_combinations(const std::string& methods, const std::string& bits,
                                                   const std::vector<std::string>& settings) {
  const Result<std::vector<std::string>> names = parse_names("--methods", methods);
  if (!names.ok()) return names.status();
  if (Status status = no_doubles("--methods", names.value()); !status.ok()) return status;
  const Result<std::vector<BitWidths>> widths = parse_bit_widths("--bits", bits);
  if (!widths.ok()) return widths.status();
  for (const std::string& setting : settings) {
    const std::size_t dot = setting.substr(0, setting.find('=')).find('.');
    if (dot == std::string::npos) return refuse("--set '" + setting + "' is not method.name=value");
    if (std::count(names.value().begin(), names.value().end(), setting.substr(0, dot)) == 0) {
      return refuse("--set '" + setting + "' is for a method that --methods does not name");
    }
  }
  std::vector<Combination> all;
  for (const std::string& name : names.value()) {
    if (const Result<Method> method = find_method(name); !method.ok()) return method.status();
    std::vector<std::string> own;
    for (const std::string& setting : settings) {
      if (setting.starts_with(name + ".")) own.push_back(setting.substr(name.size() + 1));
    }
    if (const Result<Knobs> knobs = Knobs::with(name, own); !knobs.ok()) return knobs.status();
    for (const BitWidths& width : widths.value()) all.push_back({name, width, own});
  }
  return all;
}

}  // namespace intvit
