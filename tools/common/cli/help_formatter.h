// How --help looks: option, name of its value and default in one column, the wrapped description in the other. CLI11's
// own formatter neither wraps nor leaves out which options exclude which. Header only, so that only programs need
// CLI11.
#pragma once

#include <CLI/CLI.hpp>
#include <sstream>
#include <string>

namespace intvit {

// What --help calls an option's value: "TEXT:{on,off}", the type and behind the colon what is checked, becomes on|off,
// and numbers are N and X. The error message says what is allowed.
inline std::string value_name(const CLI::Option& option) {
  constexpr std::size_t kLongest = 20;
  const std::string type = option.get_type_name(), base = type.substr(0, type.find(':'));
  const std::size_t open = type.find('{'), close = type.rfind('}');
  if (base == "TEXT" && open != std::string::npos && close != std::string::npos && close - open <= kLongest) {
    std::string choices = type.substr(open + 1, close - open - 1);
    for (char& c : choices) c = c == ',' ? '|' : c;
    return choices;
  }
  return base == "INT" || base == "UINT" ? "N" : base == "FLOAT" ? "X" : base;
}

class HelpFormatter : public CLI::Formatter {
 public:
  HelpFormatter() { column_width(kColumn); }

  std::string make_option_opts(const CLI::Option* option) const override {
    std::string text;
    if (option->get_type_size() != 0 && !option->get_positional()) text = " " + value_name(*option);
    if (option->get_positional() && option->get_items_expected_max() > 1) text += "...";
    if (!option->get_default_str().empty()) text += " (" + option->get_default_str() + ")";
    return text;
  }

  std::string make_option_desc(const CLI::Option* option) const override {
    std::istringstream words(option->get_description());
    std::string text;
    std::size_t width = 0;
    for (std::string word; words >> word; width += word.size()) {
      if (width + 1 + word.size() > kWidth - kColumn) {
        text += '\n';
        width = 0;
      } else if (!text.empty()) {
        text += ' ';
        ++width;
      }
      text += word;
    }
    return text;
  }

 private:
  static constexpr std::size_t kWidth = 100;
  static constexpr std::size_t kColumn = 22;
};

}  // namespace intvit
