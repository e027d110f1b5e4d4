#include "tools/common/cli/manual_page.h"

#include <cctype>
#include <sstream>

namespace intvit {
namespace {

// Text that roff prints as it is. A line must not begin with a dot or an apostrophe.
std::string in_roff(const std::string& text) {
  std::string roff;
  for (const char c : text) {
    if ((c == '.' || c == '\'') && (roff.empty() || roff.back() == '\n')) roff += "\\&";
    if (c == '\\') {
      roff += "\\e";
    } else if (c == '-') {
      roff += "\\-";
    } else if (c == '\'') {
      roff += "\\(aq";
    } else {
      roff += c;
    }
  }
  return roff;
}

std::string bold(const std::string& text) { return "\\fB" + in_roff(text) + "\\fR"; }
std::string italic(const std::string& text) { return "\\fI" + in_roff(text) + "\\fR"; }

// Lines that people broke, and indented, become a paragraph.
std::string paragraph(const std::string& text) {
  std::istringstream words(text);
  std::string joined;
  for (std::string word; words >> word;) joined += (joined.empty() ? "" : " ") + word;
  return in_roff(joined) + "\n";
}

// What `man -f` finds: the first sentence, as it goes on behind a dash.
std::string summary(const std::string& description) {
  std::string text = description.substr(0, description.find(". "));
  if (!text.empty() && text.back() == '.') text.pop_back();
  if (!text.empty()) text[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(text[0])));
  return paragraph(text);
}

std::string synopsis(const CommandText& command, const std::string& name) {
  std::string text = bold(name) + " [" + italic("OPTIONS") + "]";
  for (const OptionText& option : command.options) {
    if (!option.positional) continue;
    const std::string word = italic(option.names[0]) + (option.repeated ? "..." : "");
    text += option.required ? " " + word : " [" + word + "]";
  }
  return text + "\n";
}

std::string items(const CommandText& command) {
  std::string text;
  for (const bool positional : {true, false}) {
    for (const OptionText& option : command.options) {
      if (option.positional != positional) continue;
      std::string names;
      for (const std::string& name : option.names) {
        names += (names.empty() ? "" : ", ") + (positional ? italic(name) : bold(name));
      }
      text += ".TP\n" + names + (positional && option.repeated ? "..." : "");
      if (!positional && !option.value.empty()) text += " " + italic(option.value);
      if (!option.preset.empty()) text += " (" + in_roff(option.preset) + ")";
      text += "\n" + paragraph(option.description);
    }
  }
  return text;
}

}  // namespace

std::string manual_page(const CommandText& tool) {
  std::string title = tool.name;
  for (char& c : title) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  std::string version = tool.version;
  if (version.rfind(tool.name, 0) == 0) version.replace(0, tool.name.size(), "intvit");

  std::string text = ".TH " + title + " 1 \"\" \"" + in_roff(version) + "\" \"User Commands\"\n";
  text += ".SH NAME\n" + in_roff(tool.name) + " \\- " + summary(tool.description);
  text += ".SH SYNOPSIS\n";
  if (tool.subcommands.empty()) text += synopsis(tool, tool.name);
  for (const CommandText& command : tool.subcommands) {
    if (&command != &tool.subcommands.front()) text += ".br\n";
    text += synopsis(command, tool.name + " " + command.name);
  }
  text += ".SH DESCRIPTION\n" + paragraph(tool.description) + ".SH OPTIONS\n" + items(tool);
  if (!tool.subcommands.empty()) text += ".SH COMMANDS\n";
  for (const CommandText& command : tool.subcommands) {
    text += ".SS " + command.name + "\n" + paragraph(command.description) + items(command);
  }
  text += ".SH EXIT STATUS\n" + paragraph(tool.exit_codes);
  if (!tool.examples.empty()) text += ".SH EXAMPLES\n.nf\n" + in_roff(tool.examples) + ".fi\n";
  return text;
}

}  // namespace intvit
