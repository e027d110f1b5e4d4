// The subcommands of vitconvert, one file each. Each adds itself to the command line and says how to run.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <string>

#include "converter/convert/convert.h"
#include "converter/observe/picture_source.h"
#include "tools/common/cli/exit_code.h"
#include "tools/common/cli/output_format.h"
#include "tools/common/pictures/picture_list.h"
#include "tools/vitconvert/conversion_job.h"
#include "tools/vitconvert/source_options.h"

namespace intvit {

// Returns the function to call if the subcommand was chosen; it returns the exit code.
using Command = std::function<int()>;
Command add_convert(CLI::App& app);
Command add_plan(CLI::App& app);
Command add_reference(CLI::App& app);
Command add_synth(CLI::App& app);
Command add_sweep(CLI::App& app);
Command add_inspect(CLI::App& app);
Command add_compare(CLI::App& app);
Command add_verify(CLI::App& app);
Command add_list(CLI::App& app);
Command add_report(CLI::App& app);

// What convert and synth have in common: --method, --wbits, --abits, --seed, --threads. Defaults are what `options`
// holds.
void add_convert_options(CLI::App& command, ConvertOptions& options);

// --format text|json, and --json, which stands for the latter.
void add_text_or_json(CLI::App& command, OutputFormat& format);

// unsupported if the network has no logits, which `what` needs.
Status needs_logits(const FloatNetwork& network, const std::string& what);

// The first `count` pictures of a list or folder; 0: all. invalid_argument if there are fewer.
Result<std::vector<LabelledPicture>> calibration_pictures(const std::string& list, int count);

// The same, and what a conversion may be checked on: those behind the first `count`, as many again, or 32 where that
// is more. Without `strict`, folders that cannot be listed are named on stderr and left out.
struct CalibrationPictures {
  std::vector<LabelledPicture> calibration, unseen;
  std::size_t folders_left_out = 0;
};
inline constexpr std::size_t kFewestUnseen = 32;
Result<CalibrationPictures> split_pictures(const std::string& list, int count, bool strict);

// Reads every picture once. Those that cannot be read are named on stderr and left out; with `strict`, or if none can
// be, the first of them is the error.
Status keep_readable(std::vector<LabelledPicture>& pictures, const InputGeometry& geometry,
                     const PictureOptions& reading, int threads, bool strict);

// Pictures that all have labels below `classes`.
Result<std::vector<LabelledPicture>> evaluation_pictures(const std::string& list, int classes);

// On stderr, a line each.
void print_notes(PictureNotes& notes);

// One line on stderr and the matching exit code.
int report_error(const Status& status);

// A line on stderr with a bar and the time left; nothing if stderr is no terminal.
Progress terminal_progress();

// The same for a conversion, or the choice of its plan: numbered stages and the time that all of them still take.
Progress conversion_progress(const ConvertOptions& options, int pictures, bool plan_only);

// What `job` would give and take, measured on made-up pictures.
int dry_run(const Job& job, OutputFormat format);

// Nothing for an empty path.
Status write_text(const std::string& path, const std::string& text);

// How a conversion ends.
struct FinishOptions {
  std::string output, report;  // the second may be empty
  OutputFormat format = OutputFormat::text;
  bool warn = true;            // when the model is far from float
  double least_agreement = 0;  // percent; the exit code is 5 below it, and the file gets another name
};

// Writes the model and prints what it is.
int finish_conversion(const Conversion& conversion, const FinishOptions& options, double seconds);

}  // namespace intvit
