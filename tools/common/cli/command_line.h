// What all tools do with their command line: help and version to stdout, an error as one line to stderr with exit code
// 2 and, for a mistyped option, what was probably meant. A header without a .cc, so that only programs need CLI11.
#pragma once

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tools/common/cli/completion.h"
#include "tools/common/cli/describe_app.h"
#include "tools/common/cli/exit_code.h"
#include "tools/common/cli/help_formatter.h"
#include "tools/common/cli/manual_page.h"
#include "tools/common/cli/shown_text.h"
#include "tools/common/cli/suggest.h"

namespace intvit {

// The layout and the end of --help. `examples` are whole lines.
inline void set_help(CLI::App& app, const std::string& examples) {
  app.formatter(std::make_shared<HelpFormatter>());
  app.footer(std::string("Exit codes: ") + kExitCodes + kExamplesTitle + examples);
}

// The end of a command's --help.
inline void set_examples(CLI::App& command, const std::string& tool, const std::string& examples) {
  command.footer("Exit codes are those of '" + tool + " --help'." + kExamplesTitle + examples);
}

// A whole number; the error message says what is allowed, --help stays short.
inline CLI::Validator whole_number(int low, int high) { return CLI::Range(low, high).description(""); }

// CLI::Range lets NaN pass.
inline CLI::Validator real_number(double low, double high, const std::string& description) {
  const CLI::Validator range = CLI::Range(low, high);
  return {[range](std::string& text) {
            double value = 0;
            const bool is_nan = CLI::detail::lexical_cast(text, value) && value != value;
            return is_nan ? "'" + text + "' is not a number" : range(text);
          },
          description};
}

// An empty variable of a script must not switch an output or a check off.
inline CLI::Validator file_name() {
  return {[](std::string& name) { return name.empty() ? "the name of a file is empty" : ""; }, ""};
}

inline std::vector<std::string> option_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  }
  for (const CLI::App* subcommand : app.get_subcommands()) {  // those that were called
    for (const std::string& name : option_names(*subcommand)) names.push_back(name);
  }
  return names;
}

// One line, with a hint for the first unknown option.
inline std::string describe_parse_error(const CLI::App& app, const CLI::ParseError& error) {
  std::string text = error.what();
  for (const std::string& word : app.remaining(true)) {
    if (word.size() < 2 || word[0] != '-') continue;
    text = "unknown option '" + word + "'";
    const std::string guess = closest(word.substr(0, word.find('=')), option_names(app));
    if (!guess.empty()) text += ", did you mean '" + guess + "'?";
    break;
  }
  for (char& c : text) c = c == '\n' ? ' ' : c;
  return text;
}

// What `--print WHAT` prints, for who installs the tool (cmake/command_texts.cmake); nothing if WHAT is unknown. --help
// does not name it.
inline std::optional<std::string> printed(CLI::App& app, std::string_view what) {
  if (what == "man") return manual_page(describe_app(app));
  if (what == "bash") return bash_completion(describe_app(app));
  if (what == "zsh") return zsh_completion(describe_app(app));
  if (what == "fish") return fish_completion(describe_app(app));
  return std::nullopt;
}

// What is wrong with the first word of a tool that has commands; empty if nothing is.
inline std::string unknown_command(const CLI::App& app, int argc, const char* const* argv) {
  std::vector<std::string> names;
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    names.push_back(command->get_name());
  }
  if (argc < 2 || argv[1][0] == '-' || names.empty()) return {};
  const std::string word = argv[1];
  if (std::find(names.begin(), names.end(), word) != names.end()) return {};
  const std::string guess = closest(word, names);
  return "unknown command '" + word.substr(0, 100) + "'" + (guess.empty() ? "" : ", did you mean '" + guess + "'?");
}

// The exit code if the tool has to stop here, as after --help.
inline std::optional<int> parse_command_line(CLI::App& app, int argc, const char* const* argv) {
  if (argc == 3 && std::string_view(argv[1]) == "--print") {
    if (const std::optional<std::string> text = printed(app, argv[2])) return std::cout << *text, kExitOk;
  }
  if (const std::string wrong = unknown_command(app, argc, argv); !wrong.empty()) {
    print_message(app.get_name(), wrong + "; try '" + app.get_name() + " --help'");
    return kExitUsage;
  }
  try {
    app.parse(argc, argv);
    return std::nullopt;
  } catch (const CLI::CallForHelp&) {
    std::cout << app.help();
  } catch (const CLI::CallForVersion& version) {
    std::cout << version.what() << '\n';
  } catch (const CLI::ParseError& error) {
    print_message(app.get_name(), describe_parse_error(app, error) + "; try '" + app.get_name() + " --help'");
    return kExitUsage;
  }
  return kExitOk;
}

}  // namespace intvit
