// A tool's command line as plain data, for what is printed of it beside --help: the manual page and completions of
// shells.
#pragma once

#include <string>
#include <vector>

namespace intvit {

struct OptionText {
  std::vector<std::string> names;  // "-o", "--output"; of a positional its one name
  bool positional = false;
  bool required = false;
  bool repeated = false;             // takes many words
  std::string value;                 // what --help calls the value; empty of a flag
  std::vector<std::string> choices;  // all values there are, if the option says so
  std::string preset;                // the default, if --help names it
  std::string description;
};

struct CommandText {
  std::string name;
  std::string version;  // "vitrun 0.1.0"; of the tool only
  std::string description;
  std::vector<OptionText> options;
  std::string exit_codes;  // a sentence; of the tool only
  std::string examples;    // whole lines; of the tool only
  std::vector<CommandText> subcommands;
};

}  // namespace intvit
