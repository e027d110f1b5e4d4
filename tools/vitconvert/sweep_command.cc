#include <algorithm>
#include <filesystem>
#include <iostream>
#include <memory>

#include "converter/convert/trial.h"
#include "converter/lower/input_geometry.h"
#include "engine/run/select_isa.h"
#include "intvit/session.h"
#include "tools/common/cli/command_line.h"
#include "tools/common/cli/format_options.h"
#include "tools/common/cli/shown_text.h"
#include "tools/common/machine/build_info.h"
#include "tools/common/machine/physical_cores.h"
#include "tools/common/pictures/picture_options.h"
#include "tools/vitconvert/commands.h"
#include "tools/vitconvert/sweep/sweep.h"
#include "tools/vitconvert/sweep_table.h"

namespace intvit {
namespace {

struct SweepCommand {
  SourceOptions source;
  std::string methods = "percentile", bits = "w8a8", calibration, evaluation, folder, isa;
  std::vector<std::string> settings;
  PictureOptions pictures;
  int calibration_count = 0, threads = 1, runs = 50;
  OutputFormat format = OutputFormat::text;
};

Status make_folder(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (!error && std::filesystem::is_directory(path, error)) return {};
  return {Code::io, "cannot make the folder '" + path + "'" + (error ? ": " + error.message() : "")};
}

int run(SweepCommand options) {
  // Cheap mistakes first.
  auto combinations = make_combinations(options.methods, options.bits, options.settings);
  if (!combinations.ok()) return report_error(combinations.status());
  const Result<Isa> isa = select_isa(options.isa);
  if (!isa.ok()) return report_error(isa.status());
  auto calibration = calibration_pictures(options.calibration, options.calibration_count);
  if (!calibration.ok()) return report_error(calibration.status());
  const Result<FloatNetwork> network = load_with_notes(options.source);
  if (!network.ok()) return report_error(network.status());
  if (Status status = needs_logits(network.value(), "a sweep"); !status.ok()) return report_error(status);
  const Result<InputGeometry> geometry = input_geometry(network.value().preprocessing);
  if (!geometry.ok()) return report_error(geometry.status());
  auto evaluation = evaluation_pictures(options.evaluation, network.value().classes());
  if (!evaluation.ok()) return report_error(evaluation.status());
  if (!options.folder.empty()) {
    if (Status status = make_folder(options.folder); !status.ok()) return report_error(status);
  }
  {
    PictureFiles pictures(paths_of(calibration.value()), geometry.value(), options.pictures);
    const Progress progress = terminal_progress();
    const Status status = try_lowering(network.value(), {pictures, options.threads, progress}, {});
    if (!status.ok() && status.code() == Code::unsupported) return report_error(status);
  }
  const auto checksums = sweep_checksums(options.source.path, options.source.outputs.texts, calibration.value(),
                                         evaluation.value(), options.pictures);
  if (!checksums.ok()) return report_error(checksums.status());

  const SweepInput input{network.value(),  geometry.value(),    calibration.take(), evaluation.take(),
                         options.pictures, combinations.take(), checksums.value(),  options.folder,
                         isa.value(),      options.threads,     options.runs};
  const Result<SweepReport> report =
      sweep(input, terminal_progress(), [](const std::string& line) { print_message("vitconvert", line); });
  if (!report.ok()) return report_error(report.status());
  print_sweep(std::cout, options.format, input, report.value());
  const auto& results = report.value().results;
  const bool complete = report.value().float_accuracy.count() == static_cast<std::int64_t>(input.evaluation.size()) &&
                        std::all_of(results.begin(), results.end(), [](const auto& r) { return r.failure.ok(); });
  return complete ? kExitOk : kExitSomeInputsFailed;
}

}  // namespace

Command add_sweep(CLI::App& app) {
  auto options = std::make_shared<SweepCommand>();
  options->threads = physical_cores();
  CLI::App* command = app.add_subcommand("sweep", "Methods x bits: convert, evaluate and time each; one table of all");
  add_source_options(*command, options->source);
  command->add_option("--methods", options->methods, "Names of 'vitconvert list methods', comma between")
      ->capture_default_str();
  command->add_option("--bits", options->bits, "Bits of weights and activations, such as w8a8,w4a8")
      ->capture_default_str();
  command->add_option("--calib", options->calibration, "LIST file or folder of calibration pictures")->required();
  command->add_option("--calib-count", options->calibration_count, "Use only the first N pictures")
      ->check(CLI::Range(1, 1000000));
  command->add_option("--eval", options->evaluation, "LIST file of other pictures, with labels")->required();
  add_picture_options(*command, options->pictures);
  command
      ->add_option("-o,--output", options->folder,
                   "Folder for models and results; what is there already and fits is not made again")
      ->check(file_name());
  command
      ->add_option("--set", options->settings,
                   "METHOD.NAME=VALUE of a number that the method has; see 'vitconvert list methods' (repeatable)")
      ->allow_extra_args(false);
  command
      ->add_option("--latency-runs", options->runs,
                   "Timed runs per model, on one thread; their median is printed; 0: none")
      ->check(CLI::Range(0, 1000000))
      ->capture_default_str();
  command
      ->add_option("--threads", options->threads,
                   "Threads of conversion and evaluation; if not given, the physical cores that may be used")
      ->check(CLI::Range(1, kMaxThreads));
  command->add_option("--isa", options->isa,
                      "Instruction set, one of " + built_isa_names() + "; if not given, INTVIT_ISA, else the best");
  using enum OutputFormat;
  add_format_options(*command, options->format, {text, markdown, csv, json, jsonl}, {markdown, csv, json});
  return [options] { return run(*options); };
}

}  // namespace intvit
