// Completions of options, their values and subcommands for shells.
#pragma once

#include <string>

#include "tools/common/cli/command_text.h"

namespace intvit {

// Scripts for the folders where the shells look for them. Words that the table does not know are names of files.
std::string bash_completion(const CommandText& tool);
std::string zsh_completion(const CommandText& tool);
std::string fish_completion(const CommandText& tool);

}  // namespace intvit
