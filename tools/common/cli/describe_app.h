// CLI11's tables as plain data. Header only, so that only programs need CLI11.
#pragma once

#include <CLI/CLI.hpp>
#include <algorithm>
#include <string>

#include "tools/common/cli/comma_list.h"
#include "tools/common/cli/command_text.h"
#include "tools/common/cli/help_formatter.h"

namespace intvit {

// The end of every tool's --help, before its examples.
inline constexpr const char* kExitCodes =
    "0 ok, 1 some inputs failed, 2 wrong usage, 3 model invalid or unsupported,\n"
    "            4 this CPU cannot run it, 5 a check failed.";
inline constexpr const char* kExamplesTitle = "\n\nExamples:\n";

inline OptionText describe_option(const CLI::Option& option) {
  OptionText text;
  text.positional = option.get_positional();
  for (const std::string& name : option.get_snames()) text.names.push_back("-" + name);
  for (const std::string& name : option.get_lnames()) text.names.push_back("--" + name);
  if (text.positional) text.names = {option.get_name(true)};
  text.required = option.get_required();
  text.repeated = option.get_items_expected_max() > 1;
  text.preset = option.get_default_str();
  text.description = option.get_description();
  if (option.get_type_size() == 0) return text;
  const std::string type = option.get_type_name();
  text.value = value_name(option);
  const std::size_t open = type.find('{'), close = type.find('}');
  if (open != std::string::npos && close != std::string::npos) {
    const Result<std::vector<std::string>> choices = parse_names("", type.substr(open + 1, close - open - 1));
    if (choices.ok()) text.choices = choices.value();
  }
  return text;
}

inline CommandText describe_command(const CLI::App& app) {
  CommandText text;
  text.name = app.get_name();
  text.description = app.get_description();
  for (const CLI::Option* option : app.get_options()) {
    if (!option->get_group().empty()) text.options.push_back(describe_option(*option));
  }
  for (const CLI::App* subcommand : app.get_subcommands([](const CLI::App*) { return true; })) {
    text.subcommands.push_back(describe_command(*subcommand));
  }
  return text;
}

inline CommandText describe_app(CLI::App& app) {
  CommandText text = describe_command(app);
  text.version = app.version().substr(0, app.version().find('\n'));
  text.exit_codes = kExitCodes;
  const std::string footer = app.get_footer();
  const std::size_t examples = footer.find(kExamplesTitle);
  if (examples != std::string::npos) text.examples = footer.substr(examples + std::string(kExamplesTitle).size());
  return text;
}

}  // namespace intvit
