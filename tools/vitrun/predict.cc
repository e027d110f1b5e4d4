#include "tools/vitrun/job.h"

#include <unistd.h>

#include <iostream>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "tools/common/cli/exit_code.h"
#include "tools/common/cli/on_interrupt.h"
#include "tools/common/cli/progress_line.h"
#include "tools/common/cli/shown_text.h"
#include "tools/common/pictures/labels_file.h"
#include "tools/vitrun/inputs.h"
#include "tools/vitrun/result_writer.h"

namespace intvit {
namespace {

std::unique_ptr<PictureFeed> feed_of(const Job& job) {
  std::unique_ptr<PictureFeed> all = make_feed(job.options, *job.model, job.prepared);
  if (!job.options.shard) return all;
  return std::make_unique<ShardFeed>(std::move(all), *job.options.shard);
}

}  // namespace

int predict(Job& job) {
  const Result<LogitRule> rule = job.model->logit_rule();
  if (!rule.ok()) return fail(rule.status(), kExitModel);
  ResultFormat format{job.options.format,
                      job.options.digest,
                      job.options.top_k,
                      job.model->logit_fraction_bits(),
                      rule.value(),
                      job.model->labels(),
                      job.model->outputs(),
                      ::isatty(STDOUT_FILENO) == 1,
                      shows_bars(STDOUT_FILENO)};
  if (!job.options.labels.empty()) {
    Result<std::vector<std::string>> labels = read_labels(job.options.labels, job.model->classes());
    if (!labels.ok()) return fail(labels.status(), kExitUsage);
    format.labels = labels.take();
  }
  const std::unique_ptr<PictureFeed> feed = feed_of(job);
  PictureFeed& pictures = *feed;
  std::size_t count = 0;
  const std::unique_ptr<ResultWriter> writer = make_result_writer(std::cout, std::move(format));
  // A JSON array is to end as one.
  std::optional<OnInterrupt> on_interrupt;
  if (job.options.format == OutputFormat::json) on_interrupt.emplace([&] { writer->finish(), std::cout.flush(); });
  ProgressLine progress(!job.options.quiet && !stdout_is_the_terminal());
  const Stopwatch time;
  const auto consume = [&](std::size_t, const ClassifiedPicture& picture) {
    std::unique_lock<std::mutex> printing;
    if (on_interrupt) printing = std::unique_lock(on_interrupt->printing());
    ++count;
    if (job.take(picture, progress)) {
      writer->picture(picture);
    } else {
      writer->failure(picture);
    }
    if (progress.due()) progress.show(progress_text("", count, pictures.count(), "", time.seconds()));
  };
  const auto workers = classify_in_order(job.model, job.isa, job.options.threads, pictures, consume,
                                         job.parts(job.needs_outputs()), job.options.pictures, std::move(job.session));
  on_interrupt.reset();
  progress.clear();
  if (!workers.ok()) return fail(workers.status(), exit_code_for(workers.status()));
  writer->finish();
  if (count == 0 && pictures.status().ok()) print_message("vitrun", "there was no picture");
  const int code = finish(job);
  return pictures.status().ok() ? code : fail(pictures.status(), kExitUsage);
}

}  // namespace intvit
