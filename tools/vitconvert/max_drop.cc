#include "tools/vitconvert/max_drop.h"

#include <algorithm>
#include <cstdio>
#include <iostream>
#include <map>
#include <optional>

#include "converter/convert/describe.h"
#include "converter/methods/auto/latency.h"
#include "engine/format/writer.h"
#include "tools/common/cli/command_line.h"
#include "tools/common/cli/shown_text.h"
#include "tools/common/results/text_table.h"
#include "tools/vitconvert/commands.h"
#include "tools/vitconvert/sweep/evaluate.h"

namespace intvit {
namespace {

constexpr int kRankingPictures = 4, kLatencyRuns = 60;

// Names that are raised together.
struct Group {
  std::vector<std::string> names;
  double db = 1e9;  // of the worst of them
  bool layer = false;
};

// Worst first. Query, key and value must keep the same bits. What has no fewer bits than in `eight` is left out.
std::vector<Group> ranked(const FloatNetwork& network, const Sensitivity& sensitivity, const Plan& low,
                          const Plan& eight) {
  std::map<std::string, Group> groups;  // by a name that its members share
  const auto add = [&](const std::string& key, const std::string& name, double db) {
    Group& group = groups[key];
    group.names.push_back(name);
    group.db = std::min(group.db, db);
  };
  for (const SiteSensitivity& site : sensitivity.sites) {
    const auto codes = low.activations.find(site.site);
    if (codes != low.activations.end() && codes->second[0].bits >= eight.activations.at(site.site)[0].bits) continue;
    const TensorId id = network.find(site.site);
    const bool per_head = id >= 0 && is_per_head(network.at(id).role);
    // A layer of that name may be there, too.
    add("site " + (per_head ? network.node(network.producer(id)).name : site.site), site.site, site.isolated_db);
  }
  for (const LayerSensitivity& layer : sensitivity.layers) {
    if (low.weights.at(layer.layer).bits >= 8) continue;
    const std::string key = "layer " + layer.layer;
    add(key, layer.layer, layer.isolated_db);
    groups[key].layer = true;
  }
  std::vector<Group> sorted;
  for (auto& [key, group] : groups) sorted.push_back(std::move(group));
  std::stable_sort(sorted.begin(), sorted.end(), [](const Group& a, const Group& b) { return a.db < b.db; });
  return sorted;
}

double megabytes_of(const Conversion& conversion) { return static_cast<double>(conversion.file.size()) / 1e6; }

bool is_within(const Budget& budget, const Conversion& conversion) {
  return (budget.megabytes == 0 || megabytes_of(conversion) <= budget.megabytes) &&
         (budget.milliseconds == 0 || conversion.milliseconds.value_or(0) <= budget.milliseconds);
}

// "0.493 MB and 0.310 ms"
std::string costs_text(const Conversion& conversion) {
  std::string text = fixed(megabytes_of(conversion), 3) + " MB";
  if (conversion.milliseconds) text += " and " + fixed(*conversion.milliseconds, 3) + " ms";
  return text;
}

class Search {
 public:
  Search(const Job& job, const MaxDrop& limit) : job_(job), limit_(limit), progress_(terminal_progress()) {}

  Result<Conversion> run() {
    if (Status status = start(); !status.ok()) return status;
    Result<Conversion> first = attempt(0, true);
    if (!first.ok() || drop_ <= limit_.points) return best_drop_ = drop_, finished(std::move(first));
    const Budget& budget = job_.convert.budget;
    if (budget.megabytes > 0 && megabytes_of(first.value()) > budget.megabytes) {
      return Status(Code::check_failed, "with no quantizer raised the file has " +
                                            fixed(megabytes_of(first.value()), 3) + " MB already, more than --max-mb " +
                                            fixed(budget.megabytes, 3) +
                                            "; allow more, or start from fewer bits (--wbits)");
    }
    groups_ = ranked(job_.network, *first.value().sensitivity, low_, eight_);
    Result<Conversion> best = attempt(groups_.size(), false);
    if (!best.ok()) return best;
    if (drop_ > limit_.points) return too_much();
    best_drop_ = drop_;
    if (Status status = raise_fewer(best.value()); !status.ok()) return status;
    if (budget.megabytes > 0 && megabytes_of(best.value()) > budget.megabytes) {
      log("that is more than --max-mb " + fixed(budget.megabytes, 3) +
          ": activations come first, whose bits take no place in the file");
      std::stable_partition(groups_.begin(), groups_.end(), [](const Group& group) { return !group.layer; });
      if (Status status = raise_fewer(best.value()); !status.ok()) return status;
    }
    return finished(std::move(best));
  }

 private:
  Status start() {
    Result<std::vector<LabelledPicture>> pictures = evaluation_pictures(limit_.evaluation, job_.network.classes());
    if (!pictures.ok()) return pictures.status();
    evaluation_ = pictures.take();
    Result<FloatTruth> truth =
        float_truth(job_.network, evaluation_, job_.reading, job_.geometry, job_.convert.threads, progress_, log);
    if (!truth.ok()) return truth.status();
    truth_ = truth.take();
    if (truth_.accuracy(evaluation_).count() == 0) return {Code::io, "no picture of --eval can be read"};
    ConvertOptions options = job_.convert;
    if (options.method != "auto") options.budget = {};  // others know nothing of costs; what is raised keeps to it
    Result<Plan> low = choose_plan(job_.network, *job_.pictures, options, progress_);
    if (!low.ok()) return low.status();
    options.budget = {};
    options.sites = {{"*=bits:8", "*", 8, "", "", {}}};
    Result<Plan> eight = choose_plan(job_.network, *job_.pictures, options, progress_);
    if (!eight.ok()) return eight.status();
    low_ = low.take();
    eight_ = eight.take();
    return {};
  }

  // Halves for how many groups it takes. `best` keeps the drop, and is replaced by what does so in a smaller file.
  Status raise_fewer(Conversion& best) {
    std::size_t few = 0, enough = groups_.size();
    while (enough - few > 1) {
      const std::size_t middle = few + (enough - few) / 2;
      Result<Conversion> made = attempt(middle, false);
      if (!made.ok()) return made.status();
      if (drop_ > limit_.points) {
        few = middle;
        continue;
      }
      enough = middle;
      if (made.value().file.size() > best.file.size()) continue;
      best = made.take();
      best_drop_ = drop_;
    }
    return {};
  }

  // With the first `raised` groups at 8 bits. Sets drop_.
  Result<Conversion> attempt(std::size_t raised, bool rank) {
    ConvertOptions options = job_.convert;
    options.sites.clear();
    options.budget = {};
    options.plan = low_;
    for (std::size_t g = 0; g < raised; ++g) {
      for (const std::string& name : groups_[g].names) take_site(name, eight_, *options.plan);
    }
    if (rank) options.sensitivity_pictures = std::max(options.sensitivity_pictures, kRankingPictures);
    Result<Conversion> conversion = convert(job_.network, *job_.pictures, options, progress_);
    if (!conversion.ok()) return conversion;
    const auto model = Model::from_memory(conversion.value().file, "converted model");
    if (!model.ok()) return model.status();
    const Budget& budget = job_.convert.budget;
    const Result<Evaluation> evaluation =
        evaluate(model.value(), truth_, evaluation_, job_.reading, budget.isa, options.threads, progress_);
    if (!evaluation.ok()) return evaluation.status();
    drop_ = evaluation.value().drop();
    if (budget.milliseconds > 0) {
      const Result<std::vector<double>> times =
          measure_latency({model.value()}, *job_.pictures, budget.isa, kLatencyRuns, progress_);
      if (!times.ok()) return times.status();
      conversion.value().milliseconds = times.value()[0];
    }
    if (is_within(budget, conversion.value())) least_drop_ = std::min(least_drop_.value_or(drop_), drop_);
    log(std::to_string(raised) + " of " + (rank ? "all" : std::to_string(groups_.size())) +
        " quantizers raised to 8 bits: top-1 " + fixed(evaluation.value().top1, 2) + " %, drop " + fixed(drop_, 2) +
        " points, " + costs_text(conversion.value()));
    return conversion;
  }

  // The conversion as its own method's, with what was reached.
  Result<Conversion> finished(Result<Conversion> conversion) const {
    if (!conversion.ok()) return conversion;
    Conversion& result = conversion.value();
    if (!is_within(job_.convert.budget, result)) return too_large(result);
    add_figures(job_.convert, result);
    result.plan.method = job_.convert.method;
    result.metadata["method"] = job_.convert.method;
    std::string rules;
    for (const SiteRule& rule : job_.convert.sites) rules += (rules.empty() ? "" : "\n") + rule.text;
    if (!rules.empty()) result.metadata["sites"] = rules;
    result.metadata["max_drop"] = fixed(limit_.points, 3);
    result.metadata["top1_drop"] = fixed(best_drop_, 3);
    set_metadata(result.metadata, result.file);
    return conversion;
  }

  Status too_much() const {
    return {Code::check_failed, "with 8 bits everywhere top-1 still drops by " + fixed(drop_, 2) +
                                    " points on the pictures of --eval, which is the least possible here; --max-drop " +
                                    fixed(limit_.points, 2) + " asks for less"};
  }

  // Of the models that keep the drop `least` costs least.
  Status too_large(const Conversion& least) const {
    const Budget& budget = job_.convert.budget;
    std::string caps;
    if (budget.megabytes > 0) caps = "--max-mb " + fixed(budget.megabytes, 3);
    if (budget.milliseconds > 0) caps += (caps.empty() ? "" : " and ") + ("--max-ms " + fixed(budget.milliseconds, 3));
    return {Code::check_failed, "--max-drop " + fixed(limit_.points, 2) + " takes " + costs_text(least) +
                                    ", more than " + caps +
                                    (least_drop_ ? "; the best model within that drops by " + fixed(*least_drop_, 2) +
                                                       " points. Allow more of one of them"
                                                 : "; no model that was tried is within that. Allow more, or start "
                                                   "from fewer bits (--wbits, --abits)")};
  }

  static void log(const std::string& line) { print_message("vitconvert", line); }

  const Job& job_;
  const MaxDrop& limit_;
  const Progress progress_;
  std::vector<LabelledPicture> evaluation_;
  FloatTruth truth_;
  Plan low_, eight_;
  std::vector<Group> groups_;
  double drop_ = 0, best_drop_ = 0;   // of the last attempt; of the result
  std::optional<double> least_drop_;  // of the models within the budget
};

}  // namespace

void add_max_drop(CLI::App& command, MaxDrop& limit) {
  CLI::Option* points =
      command
          .add_option("--max-drop", limit.points,
                      "Raise quantizers to 8 bits, worst first, until top-1 drops by so many points at most")
          ->check(real_number(0, 100, "POINTS"));
  CLI::Option* list = command.add_option("--eval", limit.evaluation, "LIST of pictures with labels for --max-drop")
                          ->check(file_name())
                          ->needs(points);
  points->needs(list);
}

Status check_max_drop(const Job& job, const MaxDrop& limit) {
  if (job.convert.plan) return {Code::invalid_argument, "--max-drop does not go with --plan"};
  if (Status status = needs_logits(job.network, "--max-drop"); !status.ok()) return status;
  return evaluation_pictures(limit.evaluation, job.network.classes()).status();
}

Result<Conversion> convert_within_drop(const Job& job, const MaxDrop& limit) { return Search(job, limit).run(); }

}  // namespace intvit
