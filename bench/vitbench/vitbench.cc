// vitbench: how long models take for combinations of threads, instruction sets and batch sizes.
#include <algorithm>
#include <csignal>
#include <iostream>
#include <map>
#include <span>

#include "bench/vitbench/barrier.h"
#include "bench/vitbench/compare.h"
#include "bench/vitbench/machine_state.h"
#include "bench/vitbench/make_row.h"
#include "bench/vitbench/measure.h"
#include "bench/vitbench/options.h"
#include "bench/vitbench/pinning.h"
#include "bench/vitbench/report.h"
#include "bench/vitbench/trace.h"
#include "engine/format/writer.h"
#include "intvit/model.h"
#include "tools/common/cli/exit_code.h"
#include "tools/common/cli/file_state.h"
#include "tools/common/cli/progress_line.h"
#include "tools/common/cli/run_tool.h"
#include "tools/common/cli/shown_text.h"
#include "tools/common/machine/physical_cores.h"
#include "tools/common/results/digest.h"

namespace intvit::bench {
namespace {

using Contenders = std::vector<std::unique_ptr<Contender>>;
using Models = std::map<std::string, std::shared_ptr<const Model>>;

int fail(const Status& status) {
  print_message("vitbench", status.message());
  return exit_code_for(status);
}

Result<std::vector<MachinePeak>> measure_peaks(const Options& options) {
  std::vector<MachinePeak> peaks;
  for (const Isa isa : options.isas) {
    for (const int threads : options.threads) {
      if (!options.pin.empty()) {
        if (const Status status = keep_to(first_cpus(options, threads)); !status.ok()) return status;
      }
      peaks.push_back({isa, threads, measure_peak(isa, threads), measure_barrier(threads)});
    }
  }
  return peaks;
}

Result<Models> open_models(const Options& options) {
  Models models;
  for (const std::string& path : options.models) {
    const auto model = Model::open(path);
    if (!model.ok()) return model.status();
    models[path] = model.value();
  }
  return models;
}

Status write_trace(const Options& options, const Contenders& contenders, const std::vector<Row>& rows,
                   const Models& models) {
  const auto times = trace(options, contenders);
  if (!times.ok()) return times.status();
  std::vector<TracedRun> runs;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    runs.push_back({rows[i].name(), &models.at(rows[i].model)->program(), rows[i].batch,
                    first_shared_picture(rows[i].batch, rows[i].threads), times.value()[i]});
  }
  const std::string text = trace_json(runs);
  return write_file_atomically(options.trace, {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
}

void warn(const std::vector<std::string>& sentences) {
  for (const std::string& sentence : sentences) print_message("vitbench", "warning: " + sentence);
}

// The old rows, if some were asked for. Whether they belong to anything is known before minutes are spent on measuring.
Result<OldMeasurement> read_old_measurement(const Options& options) {
  OldMeasurement old{options.compare, {}, options.tolerance_percent, options.as};
  if (old.path.empty()) return old;
  Result<std::vector<OldRow>> rows = read_old_rows(old.path);
  if (!rows.ok()) return rows.status();
  old.rows = rows.take();
  // Closed again, so that contenders do not inherit the mappings.
  const Result<Models> models = open_models(options);
  if (!models.ok()) return models.status();
  std::vector<Row> planned;
  for (const Combination& c : combinations(options)) {
    Row& row = planned.emplace_back();
    row.model = c.model;
    row.model_digest = hex64(models.value().at(c.model)->digest());
    row.isa = isa_name(c.isa);
    row.threads = c.threads;
    row.batch = c.batch;
  }
  if (const Status status = check_comparable(old, planned); !status.ok()) return status;
  return old;
}

// Sets the comparisons of `rows`, if they were asked for.
Status compare_rows(const OldMeasurement& old, std::vector<Row>& rows) {
  if (old.path.empty()) return {};
  warn(compare(old, rows));
  return check_not_slower(rows, old);
}

int run(const Options& options) {
  const Result<OldMeasurement> old = read_old_measurement(options);
  if (!old.ok()) return fail(old.status());

  std::signal(SIGPIPE, SIG_IGN);  // a contender that died is an error message, not the end of this process
  const std::vector<FileState> model_files(options.models.begin(), options.models.end());
  Report results;
  MachineState machine = machine_state(options.pin.empty() ? usable_cpus() : options.pin);
  Result<std::vector<MachinePeak>> peaks = measure_peaks(options);
  if (!peaks.ok()) return fail(peaks.status());
  results.peaks = peaks.take();
  ProgressLine progress;
  const std::optional<CpuTimes> before = cpu_times();
  const auto contenders = measure(options, [&](const std::string& text) {
    if (progress.due()) progress.show(text);
  });
  progress.clear();
  if (!contenders.ok()) return fail(contenders.status());
  machine.stolen_percent = stolen_percent(before, cpu_times());
  warn(machine_warnings(machine, *std::max_element(options.threads.begin(), options.threads.end())));

  // The contenders have opened these files already, in processes of their own.
  const Result<Models> models = open_models(options);
  if (!models.ok()) return fail(models.status());
  for (const auto& contender : contenders.value()) {
    results.rows.push_back(make_row(*contender, *models.value().at(contender->combination().model), results.peaks));
    results.rows.back().machine = machine;
  }
  if (!options.trace.empty()) {
    const Status status = write_trace(options, contenders.value(), results.rows, models.value());
    if (!status.ok()) return fail(status);
  }
  const Status not_slower = compare_rows(old.value(), results.rows);
  std::signal(SIGPIPE, SIG_DFL);  // nobody has to read all of a table
  print(std::cout, options.format, results);
  if (!std::cout.flush()) return fail({Code::invalid_argument, "cannot write the results to stdout"});
  for (const FileState& file : model_files) {
    if (const Status status = file.check(); !status.ok()) return fail(status);
  }
  if (const Status status = check_same_outputs(contenders.value()); !status.ok()) return fail(status);
  return not_slower.ok() ? kExitOk : fail(not_slower);
}

int vitbench(int argc, char** argv) {
  Options options;
  if (const auto code = parse_options(argc, argv, options)) return *code;
  return run(options);
}

}  // namespace
}  // namespace intvit::bench

int main(int argc, char** argv) { return intvit::run_tool("vitbench", intvit::bench::vitbench, argc, argv); }
