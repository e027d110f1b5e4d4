// --format, the same option in every tool, and its older flags such as --json. Header only, so that only programs need
// CLI11.
#pragma once

#include <CLI/CLI.hpp>
#include <cstddef>
#include <string>
#include <vector>

#include "tools/common/cli/output_format.h"

namespace intvit {

inline constexpr const char* kOutputFormatNames[] = {"text", "markdown", "csv", "json", "jsonl"};

// "text, csv or json"
inline std::string format_names(const std::vector<OutputFormat>& formats) {
  std::string text;
  for (std::size_t i = 0; i < formats.size(); ++i) {
    if (i > 0) text += i + 1 == formats.size() ? " or " : ", ";
    text += kOutputFormatNames[static_cast<std::size_t>(formats[i])];
  }
  return text;
}

// Of --format and the flags, which stand for it, one may be given.
struct FormatOptions {
  CLI::Option* option = nullptr;
  std::vector<CLI::Option*> flags;

  void exclude(CLI::Option* other) const {
    other->excludes(option);
    for (CLI::Option* flag : flags) other->excludes(flag);
  }
};

// `flags` are those of `formats` that have a flag of their own, --json for example.
inline FormatOptions add_format_options(CLI::App& app, OutputFormat& format, const std::vector<OutputFormat>& formats,
                                        const std::vector<OutputFormat>& flags) {
  const std::string names = format_names(formats);
  const auto read = [&format, formats, names](const std::string& word) {
    const std::string name = word == "md" ? "markdown" : word;
    for (const OutputFormat known : formats) {
      if (name != kOutputFormatNames[static_cast<std::size_t>(known)]) continue;
      format = known;
      return;
    }
    throw CLI::ValidationError("--format", "'" + word + "' must be " + names);
  };
  FormatOptions options;
  options.option =
      app.add_option_function<std::string>("--format", read, "Of the results: " + names + "; text if not given")
          ->type_name("NAME");
  for (const OutputFormat flag : flags) {
    const std::string name = kOutputFormatNames[static_cast<std::size_t>(flag)];
    CLI::Option* added = app.add_flag_callback(
        "--" + name, [&format, flag] { format = flag; }, "The same as --format " + name);
    options.exclude(added);
    options.flags.push_back(added);
  }
  return options;
}

}  // namespace intvit
