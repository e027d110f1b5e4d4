// Manual pages and completions from a table of options. tests/cli/command_texts_test.sh has those of the tools.
#include <doctest/doctest.h>

#include <string>

#include "tools/common/cli/completion.h"
#include "tools/common/cli/manual_page.h"

namespace intvit {
namespace {

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

CommandText paint() {
  CommandText tool;
  tool.name = "paint";
  tool.version = "paint 1.2";
  tool.description = "Paints a wall. It's fast.";
  tool.options = {{{"WALL"}, true, true, true, "TEXT", {}, "", "What to paint"},
                  {{"-c", "--colour"}, false, false, false, "NAME", {"red", "green"}, "red", ".5 of it: 'thick'; dry"},
                  {{"--wet"}, false, false, false, "", {}, "", "Do not wait [at all]"}};
  tool.exit_codes = "0 ok,\n   1 not";
  tool.examples = "  paint -c red house\n";
  return tool;
}

CommandText paint_with_subcommands() {
  CommandText tool = paint();
  tool.subcommands = {tool};
  tool.subcommands[0].name = "indoors";
  tool.options.clear();
  return tool;
}

TEST_CASE("manual page: a section each, text that roff would take for a request escaped") {
  const std::string page = manual_page(paint());
  CHECK(contains(page, ".TH PAINT 1 \"\" \"intvit 1.2\""));
  CHECK(contains(page, ".SH NAME\npaint \\- paints a wall\n"));
  CHECK(contains(page, "\\fBpaint\\fR [\\fIOPTIONS\\fR] \\fIWALL\\fR...\n"));
  CHECK(contains(page,
                 ".TP\n\\fB\\-c\\fR, \\fB\\-\\-colour\\fR \\fINAME\\fR (red)\n\\&.5 of it: \\(aqthick\\(aq; dry\n"));
  CHECK(contains(page, ".TP\n\\fB\\-\\-wet\\fR\nDo not wait [at all]\n"));
  CHECK(contains(page, ".SH EXIT STATUS\n0 ok, 1 not\n"));
  CHECK(contains(page, ".nf\n  paint \\-c red house\n.fi\n"));
  const std::string pages = manual_page(paint_with_subcommands());
  CHECK(contains(pages, ".SH SYNOPSIS\n\\fBpaint indoors\\fR ["));
  CHECK(contains(pages, ".SS indoors\n"));
}

TEST_CASE("completions: options, choices behind their option, subcommands") {
  const std::string bash = bash_completion(paint());
  CHECK(contains(bash, "-c | --colour) COMPREPLY=($(compgen -W 'red green' -- \"$word\")); return ;;"));
  CHECK(contains(bash, "compgen -W '-c --colour --wet' --"));
  CHECK(contains(bash_completion(paint_with_subcommands()), "compgen -W 'indoors' --"));

  const std::string zsh = zsh_completion(paint());
  CHECK(contains(zsh, "'--colour[.5 of it]:NAME:(red green)'"));
  CHECK(contains(zsh, "'--wet[Do not wait \\[at all\\]]'"));
  CHECK(contains(zsh, "'*:file:_files'"));
  CHECK(contains(zsh_completion(paint_with_subcommands()), "'indoors:Paints a wall. It'\\''s fast.'"));

  CHECK(contains(fish_completion(paint()), "complete -c paint -s c -l colour -r -f -a 'red green' -d '.5 of it'"));
  CHECK(contains(fish_completion(paint_with_subcommands()), "-n '__fish_seen_subcommand_from indoors' -l wet -d"));
}

}  // namespace
}  // namespace intvit
