#include <chrono>
#include <memory>

#include "converter/report/html_report.h"
#include "engine/format/writer.h"
#include "tools/common/cli/command_line.h"
#include "tools/common/results/output_file.h"
#include "tools/vitconvert/commands.h"
#include "tools/vitconvert/conversion_job.h"
#include "tools/vitconvert/max_drop.h"

namespace intvit {
namespace {

struct ConvertCommand {
  JobOptions job;
  FinishOptions finish;
  MaxDrop max_drop;
  std::string write_plan;
  bool sensitivity = false;
  int sensitivity_pictures = 8;
  bool dry_run = false;
};

Status check_resume(const ConvertCommand& options) {
  if (options.job.resume.empty()) return {};
  const ConvertOptions& convert = options.job.convert;
  if (!convert.optimise_modules && !convert.optimise_network) {
    return {Code::invalid_argument, "--optimise-resume is for --optimise modules or network"};
  }
  if (options.max_drop.evaluation.empty()) return {};
  return {Code::invalid_argument, "--optimise-resume is of one conversion; --max-drop makes several"};
}

Status check_outputs(const ConvertCommand& options) {
  if (Status status = check_output_file("the model", options.finish.output); !status.ok()) return status;
  if (Status status = check_output_file("the plan", options.write_plan); !status.ok()) return status;
  return check_output_file("the report", options.finish.report);
}

// What is asked of the result.
Status check_goals(const ConvertCommand& options, const Job& job) {
  if (options.finish.least_agreement > 0) {
    if (Status status = needs_logits(job.network, "--min-agree"); !status.ok()) return status;
  }
  return options.max_drop.evaluation.empty() ? Status() : check_max_drop(job, options.max_drop);
}

int run(ConvertCommand options) {
  const auto start = std::chrono::steady_clock::now();
  options.job.convert.sensitivity_pictures = options.sensitivity ? options.sensitivity_pictures : 0;
  options.job.convert.report_pictures = options.finish.report.empty() ? 0 : kReportPictures;
  if (Status status = check_resume(options); !status.ok()) return report_error(status);
  if (Status status = check_outputs(options); !status.ok()) return report_error(status);
  Result<Job> job = start_job(options.job);
  if (!job.ok()) return report_error(job.status());
  if (Status status = check_goals(options, job.value()); !status.ok()) return report_error(status);
  if (options.dry_run) return dry_run(job.value(), options.finish.format);
  if (Status status = open_pictures(job.value()); !status.ok()) return report_error(status);
  const Result<Conversion> conversion =
      options.max_drop.evaluation.empty()
          ? convert(job.value().network, *job.value().pictures, job.value().convert,
                    conversion_progress(job.value().convert, job.value().pictures->count(), false))
          : convert_within_drop(job.value(), options.max_drop);
  print_notes(job.value().pictures->notes());
  if (!conversion.ok()) return report_error(conversion.status());
  if (Status status = write_text(options.write_plan, plan_to_json(conversion.value().plan)); !status.ok()) {
    return report_error(status);
  }
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  const int code = finish_conversion(conversion.value(), options.finish, seconds);
  // A model that could not be written need not be trained again.
  const bool written = code == kExitOk || code == kExitCheckFailed;
  if (job.value().training_state && written) job.value().training_state->remove();
  return code == kExitOk ? exit_code_of(job.value()) : code;
}

}  // namespace

Command add_convert(CLI::App& app) {
  auto options = std::make_shared<ConvertCommand>();
  CLI::App* command = app.add_subcommand("convert", "Checkpoint and calibration pictures -> model file");
  command->add_option("-o,--output", options->finish.output, "The model file to write")->required()->check(file_name());
  add_job_options(*command, options->job);
  command
      ->add_option(
          "--weights", options->job.weights,
          "Choice of weights: feedback (layer after layer, corrected for what is lost before; ERQ, GPTQ) or nearest")
      ->check(CLI::IsMember({"feedback", "nearest"}))
      ->capture_default_str();
  command->add_option("--plan", options->job.plan, "Use the quantizers of this file instead of a method's")
      ->check(file_name());
  command->add_option("--write-plan", options->write_plan, "Write the quantizers that were used, as JSON")
      ->check(file_name());
  command
      ->add_option(
          "--optimise-resume", options->job.resume,
          "Keep what --optimise has come to in this file, and go on from there if it was interrupted; gone when "
          "the model is written")
      ->check(file_name());
  command
      ->add_option("--report", options->finish.report,
                   "Write a page (HTML) on the model, the error of every quantizer and of every layer")
      ->check(file_name());
  command
      ->add_option("--min-agree", options->finish.least_agreement,
                   "Exit code 5 if the model's most likely class is float's for fewer pictures, in percent; the model "
                   "is then FILE.rejected")
      ->check(real_number(0, 100, "PERCENT"));
  add_max_drop(*command, options->max_drop);
  CLI::Option* sensitivity = command->add_flag(
      "--sensitivity", options->sensitivity,
      "Measure what every quantizer alone costs, for 'vitconvert inspect' and the report (slow: some 10 runs of the "
      "float network per block and picture)");
  command->add_option("--sensitivity-pictures", options->sensitivity_pictures, "The first N calibration pictures")
      ->check(CLI::Range(1, 1000000))
      ->needs(sensitivity)
      ->capture_default_str();
  command->add_flag("--dry-run", options->dry_run,
                    "Write nothing and read no picture: say about how large the model would be, and how long it takes");
  add_text_or_json(*command, options->finish.format);
  return [options] { return run(*options); };
}

}  // namespace intvit
