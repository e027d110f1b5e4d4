// The subcommands of vitconvert, one file each. Each adds itself to the command line and says how to run.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <string>

#include "converter/convert/convert.h"
#include "converter/families/input_size.h"
#include "converter/families/output_choice.h"
#include "converter/observe/picture_source.h"
#include "tools/common/cli/exit_code.h"
#include "tools/common/pictures/picture_list.h"

namespace intvit {

// Returns the function to call if the subcommand was chosen; it returns the exit code.
using Command = std::function<int()>;
Command add_convert(CLI::App& app);
Command add_reference(CLI::App& app);
Command add_synth(CLI::App& app);
Command add_sweep(CLI::App& app);
Command add_inspect(CLI::App& app);
Command add_list(CLI::App& app);
Command add_report(CLI::App& app);

// What convert and synth have in common: --method, --wbits, --abits, --seed, --threads. Defaults are what `options`
// holds.
void add_convert_options(CLI::App& command, ConvertOptions& options);

// --ports and --layers: the outputs of a network that is read.
void add_output_options(CLI::App& command, OutputChoice& outputs);

// --input-size: N for a square, or HxW.
void add_input_size_option(CLI::App& command, InputSize& input);

// The checkpoint; what its reader has to say of it goes to stderr.
Result<FloatNetwork> load_with_notes(const std::string& source, const OutputChoice& outputs = {},
                                     const InputSize& input = {});

// unsupported if the network has no logits, which `what` needs.
Status needs_logits(const FloatNetwork& network, const std::string& what);

// The first `count` pictures of a list or folder; 0: all. invalid_argument if there are fewer.
Result<std::vector<LabelledPicture>> calibration_pictures(const std::string& list, int count);

// Pictures that all have labels below `classes`.
Result<std::vector<LabelledPicture>> evaluation_pictures(const std::string& list, int classes);

// On stderr, a line each.
void print_notes(PictureNotes& notes);

// One line on stderr and the matching exit code.
int report_error(const Status& status);

// A line on stderr with a bar and the time left; nothing if stderr is no terminal.
Progress terminal_progress();

// Writes the model and prints what it is; --json prints one object instead. `report` may be empty.
int finish_conversion(const Conversion& conversion, const std::string& output, const std::string& report, bool json,
                      double seconds);

}  // namespace intvit
