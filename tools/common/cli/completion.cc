#include "tools/common/cli/completion.h"

namespace intvit {
namespace {

std::string joined(const std::vector<std::string>& words, const std::string& separator) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : separator) + word;
  return text;
}

// Between apostrophes of a shell. In fish a backslash is special there, too; descriptions have none.
std::string quoted(const std::string& text) {
  std::string shell = "'";
  for (const char c : text) shell += c == '\'' ? "'\\''" : c == '\n' ? " " : std::string(1, c);
  return shell + "'";
}

// A menu has no place for what explains: all before a colon, semicolon or parenthesis.
std::string headline(const std::string& text) {
  std::string line = text.substr(0, text.find_first_of(":;(\n"));
  while (!line.empty() && line.back() == ' ') line.pop_back();
  return line;
}

std::vector<std::string> option_names(const CommandText& command) {
  std::vector<std::string> names;
  for (const OptionText& option : command.options) {
    if (!option.positional) names.insert(names.end(), option.names.begin(), option.names.end());
  }
  return names;
}

std::vector<std::string> subcommand_names(const CommandText& tool) {
  std::vector<std::string> names;
  for (const CommandText& command : tool.subcommands) names.push_back(command.name);
  return names;
}

// The body of a case: values behind an option, then options, then words.
std::string bash_case(const CommandText& command, const std::string& indent) {
  const std::string reply = "COMPREPLY=($(compgen -W ";
  std::string text = indent + "case $before in\n", words = joined(subcommand_names(command), " ");
  for (const OptionText& option : command.options) {
    if (option.positional) words += " " + joined(option.choices, " ");
    if (option.positional || option.value.empty()) continue;
    text += indent + "  " + joined(option.names, " | ") + ") ";
    if (!option.choices.empty()) text += reply + quoted(joined(option.choices, " ")) + " -- \"$word\")); ";
    text += "return ;;\n";
  }
  text += indent + "esac\n" + indent + "if [[ $word == -* ]]; then\n";
  text += indent + "  " + reply + quoted(joined(option_names(command), " ")) + " -- \"$word\"))\n";
  if (words.find_first_not_of(' ') != std::string::npos) {
    text += indent + "else\n" + indent + "  " + reply + quoted(words) + " -- \"$word\"))\n";
  }
  return text + indent + "fi\n";
}

std::string zsh_arguments(const CommandText& command, const std::string& indent) {
  std::string text = indent + "_arguments -s";
  const auto plain = [](std::string words) {
    for (std::size_t i = 0; i < words.size(); ++i) {
      if (words[i] == '[' || words[i] == ']' || words[i] == ':') words.insert(i++, "\\");
    }
    return words;
  };
  bool files = false;
  for (const OptionText& option : command.options) {
    const std::string values = option.choices.empty() ? "_files" : "(" + joined(option.choices, " ") + ")";
    if (option.positional) {
      files = files || option.choices.empty();
      if (!option.choices.empty()) text += " \\\n" + indent + "  " + quoted(":" + option.names[0] + ":" + values);
      continue;
    }
    for (const std::string& name : option.names) {
      std::string spec = name + "[" + plain(headline(option.description)) + "]";
      if (!option.value.empty()) spec += ":" + plain(option.value) + ":" + values;
      text += " \\\n" + indent + "  " + quoted(spec);
    }
  }
  if (files) text += " \\\n" + indent + "  '*:file:_files'";
  return text + "\n";
}

std::string fish_options(const std::string& start, const CommandText& command) {
  std::string text;
  for (const OptionText& option : command.options) {
    std::string line = start;
    if (!option.positional) {
      for (const std::string& name : option.names)
        line += name[1] == '-' ? " -l " + name.substr(2) : " -s " + name.substr(1);
      if (!option.value.empty()) line += " -r";
    }
    if (!option.choices.empty()) line += " -f -a " + quoted(joined(option.choices, " "));
    if (!option.positional || !option.choices.empty()) {
      text += line + " -d " + quoted(headline(option.description)) + "\n";
    }
  }
  return text;
}

}  // namespace

std::string bash_completion(const CommandText& tool) {
  std::string text = "# bash completion of " + tool.name + ", printed by itself.\n_" + tool.name + "() {\n";
  text += "  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}\n  COMPREPLY=()\n";
  if (!tool.subcommands.empty()) {
    text += "  case $([ \"$COMP_CWORD\" -gt 1 ] && echo \"${COMP_WORDS[1]}\") in\n";
    for (const CommandText& command : tool.subcommands) {
      text += "    " + command.name + ")\n" + bash_case(command, "      ") + "      return\n      ;;\n";
    }
    text += "  esac\n";
  }
  return text + bash_case(tool, "  ") + "}\ncomplete -o default -F _" + tool.name + " " + tool.name + "\n";
}

std::string zsh_completion(const CommandText& tool) {
  std::string text = "#compdef " + tool.name + "\n# zsh completion of " + tool.name + ", printed by itself.\n";
  if (tool.subcommands.empty()) return text + zsh_arguments(tool, "");
  text += "if ((CURRENT == 2)); then\n  local -a commands=(\n";
  for (const CommandText& command : tool.subcommands) {
    text += "    " + quoted(command.name + ":" + headline(command.description)) + "\n";
  }
  text += "  )\n  _describe command commands\n" + zsh_arguments(tool, "  ") + "  return\nfi\n";
  // What follows sees the subcommand as the name of a program.
  text += "local command=$words[2]\nshift words\n((CURRENT--))\ncase $command in\n";
  for (const CommandText& command : tool.subcommands) {
    text += "  " + command.name + ")\n" + zsh_arguments(command, "    ") + "    ;;\n";
  }
  return text + "esac\n";
}

std::string fish_completion(const CommandText& tool) {
  std::string text = "# fish completion of " + tool.name + ", printed by itself.\n";
  const std::string start = "complete -c " + tool.name;
  if (tool.subcommands.empty()) return text + fish_options(start, tool);
  text += fish_options(start + " -n __fish_use_subcommand", tool);
  for (const CommandText& command : tool.subcommands) {
    text += start + " -n __fish_use_subcommand -f -a " + command.name + " -d " + quoted(headline(command.description)) +
            "\n";
  }
  for (const CommandText& command : tool.subcommands) {
    text += fish_options(start + " -n '__fish_seen_subcommand_from " + command.name + "'", command);
  }
  return text;
}

}  // namespace intvit
