#include <algorithm>
#include <filesystem>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tools/common/cli/exit_code.h"
#include "tools/common/cli/shown_text.h"
#include "tools/common/pictures/class_folders.h"
#include "tools/common/results/csv_text.h"
#include "tools/common/results/json_text.h"
#include "tools/common/results/output_file.h"
#include "tools/common/results/text_table.h"
#include "tools/vitrun/eval_summary.h"
#include "tools/vitrun/job.h"

namespace intvit {
namespace {

using Json = nlohmann::ordered_json;

// With a label each.
Result<std::vector<LabelledPicture>> pictures_to_evaluate(const Job& job) {
  const std::string& list = job.options.eval_list;
  std::error_code ignored;
  if (std::filesystem::is_directory(list, ignored)) {
    return read_class_folders(list, job.model->classes(), job.model->labels());
  }
  Result<std::vector<LabelledPicture>> labelled = read_picture_list(list, job.model->classes() - 1);
  if (!labelled.ok()) return labelled.status();
  for (const LabelledPicture& picture : labelled.value()) {
    if (picture.label >= 0) continue;
    return Status(Code::invalid_argument, "'" + list + "' gives no label for '" + picture.path +
                                              "'; --eval needs a line 'path label' for every picture");
  }
  return labelled;
}

Status check_confusion(const VitrunOptions& options, const Model& model) {
  if (!options.confusion.empty() && model.classes() > Confusion::kMostClasses) {
    return {Code::invalid_argument, "--confusion is for at most " + std::to_string(Confusion::kMostClasses) +
                                        " classes, but the model has " + std::to_string(model.classes()) +
                                        "; --format csv has every picture"};
  }
  return check_output_file("the confusion table", options.confusion);
}

// The results of single pictures, where the format has a line for each: whole lines, whenever the program ends.
class PictureLines {
 public:
  PictureLines(OutputFormat format, const Model& model) : format_(format), labels_(model.labels()) {
    if (format_ == OutputFormat::csv) {
      std::cout << csv_row({"name", "target", "target_label", "class", "label", "rank", "error"});
    }
  }

  // `best` is the class that comes first, `rank` the place of the true one.
  void picture(const std::string& name, int target, int best, int rank) const {
    if (format_ == OutputFormat::csv) {
      std::cout << csv_row({name, std::to_string(target), label(target), std::to_string(best), label(best),
                            std::to_string(rank), ""})
                << std::flush;
    } else if (format_ == OutputFormat::jsonl) {
      const Json line = {{"name", name},  {"target", target},          {"target_label", json_label(target)},
                         {"class", best}, {"label", json_label(best)}, {"rank", rank}};
      std::cout << json_text(line) << std::endl;
    }
  }
  void failure(const std::string& name, int target, const Status& status) const {
    if (format_ == OutputFormat::csv) {
      std::cout << csv_row({name, std::to_string(target), label(target), "", "", "", status.message()}) << std::flush;
    } else if (format_ == OutputFormat::jsonl) {
      const Json line = {
          {"name", name}, {"target", target}, {"target_label", json_label(target)}, {"error", status.message()}};
      std::cout << json_text(line) << std::endl;
    }
  }

 private:
  std::string label(int c) const { return labels_.empty() ? "" : labels_[static_cast<std::size_t>(c)]; }
  Json json_label(int c) const { return labels_.empty() ? Json(nullptr) : Json(label(c)); }

  OutputFormat format_;
  const std::vector<std::string>& labels_;
};

}  // namespace

int evaluate(Job& job) {
  const VitrunOptions& options = job.options;
  const int classes = job.model->classes();
  if (const Status status = check_confusion(options, *job.model); !status.ok()) return fail(status, kExitUsage);
  const Result<std::vector<LabelledPicture>> labelled = pictures_to_evaluate(job);
  if (!labelled.ok()) return fail(labelled.status(), kExitUsage);
  std::vector<InputPicture> pictures;
  std::vector<int> targets;
  for (std::size_t i = 0; i < labelled.value().size(); ++i) {
    if (options.shard && !options.shard->has(i)) continue;
    pictures.push_back({labelled.value()[i].path, {}});
    targets.push_back(labelled.value()[i].label);
  }
  const bool has_lines = options.format == OutputFormat::csv || options.format == OutputFormat::jsonl;
  const PictureLines lines(options.format, *job.model);
  EvalSummary summary{options.model, {}};
  Confusion confusion;
  ProgressLine progress(!options.quiet && !(has_lines && stdout_is_the_terminal()));
  const Stopwatch time;
  const auto consume = [&](std::size_t index, const ClassifiedPicture& picture) {
    const int target = targets[index];
    if (job.take(picture, progress)) {
      const auto first = picture.logits.begin();
      const auto best = static_cast<int>(std::max_element(first, picture.logits.end()) - first);
      const int rank = rank_of(picture.logits.data(), classes, target);
      summary.accuracy.add_rank(rank);
      if (!options.confusion.empty()) confusion.add(target, best);
      lines.picture(picture.name, target, best, rank);
    } else {
      lines.failure(picture.name, target, picture.status);
    }
    if (!progress.due()) return;
    const std::string top1 = "top-1 " + fixed(summary.accuracy.top1_percent(), 1) + " %  ";
    progress.show(progress_text("", index + 1, pictures.size(), top1, time.seconds()));
  };
  const auto workers = classify_in_order(job.model, job.isa, options.threads, pictures, consume,
                                         job.parts(job.writes_outputs()), options.pictures);
  progress.clear();
  if (!workers.ok()) return fail(workers.status(), exit_code_for(workers.status()));
  summary.failed = static_cast<std::int64_t>(job.failed);
  summary.speed = {static_cast<double>(summary.accuracy.count()) / time.seconds(), workers.value().isa,
                   workers.value().threads};
  // Behind rows of pictures the figures would be no row.
  const bool beside = options.format == OutputFormat::csv;
  if (!beside || !options.quiet) print_summary(beside ? std::cerr : std::cout, options.format, summary);
  if (!options.confusion.empty()) {
    const Status status = confusion.write(options.confusion, classes, job.model->labels());
    if (!status.ok()) return fail(status, kExitUsage);
  }
  return finish(job);
}

}  // namespace intvit
