#include <iostream>
#include <memory>

#include "tools/common/cli/command_line.h"
#include "tools/common/results/output_file.h"
#include "tools/vitconvert/commands.h"
#include "tools/vitconvert/conversion_job.h"

namespace intvit {
namespace {

struct PlanCommand {
  JobOptions job;
  std::string output;
};

int run(PlanCommand options) {
  if (options.job.convert.optimise_modules || options.job.convert.optimise_network) {
    return report_error(
        {Code::invalid_argument,
         "--optimise trains the integers of a model, which a plan does not have; give it to 'vitconvert "
         "convert --plan'"});
  }
  if (Status status = check_output_file("the plan", options.output); !status.ok()) return report_error(status);
  Result<Job> job = start_job(options.job);
  if (!job.ok()) return report_error(job.status());
  job.value().unseen.clear();  // nothing is checked
  if (Status status = open_pictures(job.value()); !status.ok()) return report_error(status);
  const Result<Plan> plan = choose_plan(job.value().network, *job.value().pictures, job.value().convert,
                                        conversion_progress(job.value().convert, job.value().pictures->count(), true));
  print_notes(job.value().pictures->notes());
  if (!plan.ok()) return report_error(plan.status());
  const std::string text = plan_to_json(plan.value());
  if (options.output.empty()) {
    std::cout << text;
    return exit_code_of(job.value());
  }
  const Status status = write_text(options.output, text);
  return status.ok() ? exit_code_of(job.value()) : report_error(status);
}

}  // namespace

Command add_plan(CLI::App& app) {
  auto options = std::make_shared<PlanCommand>();
  CLI::App* command =
      app.add_subcommand("plan", "The quantizers that convert would use, as JSON to edit and give to convert --plan");
  command->add_option("-o,--output", options->output, "The file to write; stdout if not given")->check(file_name());
  add_job_options(*command, options->job);
  return [options] { return run(*options); };
}

}  // namespace intvit
