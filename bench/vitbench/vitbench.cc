// vitbench: how long models take for combinations of threads, instruction sets and batch sizes.
#include <csignal>
#include <iostream>
#include <map>
#include <span>

#include "bench/vitbench/barrier.h"
#include "bench/vitbench/compare.h"
#include "bench/vitbench/make_row.h"
#include "bench/vitbench/measure.h"
#include "bench/vitbench/options.h"
#include "bench/vitbench/report.h"
#include "bench/vitbench/trace.h"
#include "engine/format/writer.h"
#include "intvit/model.h"
#include "tools/common/cli/exit_code.h"
#include "tools/common/cli/file_state.h"
#include "tools/common/cli/progress_line.h"
#include "tools/common/cli/run_tool.h"
#include "tools/common/cli/shown_text.h"

namespace intvit::bench {
namespace {

using Contenders = std::vector<std::unique_ptr<Contender>>;
using Models = std::map<std::string, std::shared_ptr<const Model>>;

int fail(const Status& status) {
  print_message("vitbench", status.message());
  return exit_code_for(status);
}

std::vector<MachinePeak> measure_peaks(const Options& options) {
  std::vector<MachinePeak> peaks;
  for (const Isa isa : options.isas) {
    for (const int threads : options.threads) {
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

// Sets the comparisons of `rows`, if they were asked for.
Status compare_rows(const OldMeasurement& old, std::vector<Row>& rows) {
  if (old.path.empty()) return {};
  for (const std::string& note : compare(old, rows)) print_message("vitbench", "warning: " + note);
  return check_not_slower(rows, old);
}

int run(const Options& options) {
  Result<std::vector<OldRow>> old_rows = std::vector<OldRow>();
  if (!options.compare.empty()) old_rows = read_old_rows(options.compare);
  if (!old_rows.ok()) return fail(old_rows.status());

  std::signal(SIGPIPE, SIG_IGN);  // a contender that died is an error message, not the end of this process
  const std::vector<FileState> model_files(options.models.begin(), options.models.end());
  Report results;
  results.peaks = measure_peaks(options);
  ProgressLine progress;
  const auto contenders = measure(options, [&](const std::string& text) {
    if (progress.due()) progress.show(text);
  });
  progress.clear();
  if (!contenders.ok()) return fail(contenders.status());

  // The contenders have opened these files already, in processes of their own.
  const Result<Models> models = open_models(options);
  if (!models.ok()) return fail(models.status());
  for (const auto& contender : contenders.value()) {
    results.rows.push_back(make_row(*contender, *models.value().at(contender->combination().model), results.peaks));
  }
  if (!options.trace.empty()) {
    const Status status = write_trace(options, contenders.value(), results.rows, models.value());
    if (!status.ok()) return fail(status);
  }
  const Status not_slower = compare_rows({options.compare, old_rows.take(), options.tolerance_percent}, results.rows);
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
