// vitbench: how long a model takes for combinations of threads, instruction sets and batch sizes.
#include <csignal>
#include <iostream>
#include <map>
#include <new>

#include "bench/measure.h"
#include "bench/options.h"
#include "bench/report.h"
#include "engine/exit_code.h"
#include "engine/model.h"
#include "engine/tools/digest.h"
#include "engine/tools/progress_line.h"

namespace intvit::bench {
namespace {

int fail(const Status& status, int exit_code) {
  std::cerr << "vitbench: " << status.message() << '\n';
  return exit_code;
}

Row make_row(const Contender& contender, const Model& model) {
  const Combination& c = contender.combination();
  const std::vector<double>& times = contender.milliseconds();
  Row row;
  row.model = c.model;
  row.model_digest = hex64(model.digest());
  row.isa = isa_name(c.isa);
  row.threads = c.threads;
  row.batch = c.batch;
  row.runs = times.size();
  row.milliseconds = summarize(times);
  row.images_per_s = c.batch * 1e3 / row.milliseconds.median;
  row.peak_rss_mib = contender.peak_rss_mib();
  row.logits_digest = hex64(contender.logits_digest());
  if (c.profile) row.profile = profile_by_layer(model.program(), contender.step_nanoseconds(), times.size());
  return row;
}

int run(const Options& options) {
  ProgressLine progress;
  const auto contenders = measure(options, [&](const std::string& text) {
    if (progress.due()) progress.show(text);
  });
  progress.clear();
  if (!contenders.ok()) return fail(contenders.status(), exit_code_for(contenders.status()));

  // The contenders have opened these files already, in processes of their own.
  std::map<std::string, std::shared_ptr<const Model>> models;
  for (const std::string& path : options.models) {
    const auto model = Model::open(path);
    if (!model.ok()) return fail(model.status(), kExitModel);
    models[path] = model.value();
  }
  std::vector<Row> rows;
  for (const auto& contender : contenders.value()) {
    rows.push_back(make_row(*contender, *models[contender->combination().model]));
  }
  report(std::cout, options.format, rows);
  if (!std::cout.flush()) return fail({Code::io, "cannot write the results to stdout"}, kExitUsage);
  if (const Status status = check_same_logits(contenders.value()); !status.ok()) return fail(status, kExitCheckFailed);
  return kExitOk;
}

}  // namespace
}  // namespace intvit::bench

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);  // a contender that died is an error message, not the end of this process
  intvit::bench::Options options;
  if (const auto code = intvit::bench::parse_options(argc, argv, options)) return *code;
  try {
    return intvit::bench::run(options);
  } catch (const std::bad_alloc&) {
    return intvit::bench::fail({intvit::Code::out_of_memory, "out of memory"}, intvit::kExitModel);
  }
}
