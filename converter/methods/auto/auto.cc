// auto: for every site, of all the formats that the runtime has, the one with the least error behind the next
// multiplication, within what the model may cost (--max-ms, --max-mb). The formats' parameters come from the methods
// that know how to choose them; beyond theirs, tables whose levels are the best there are for the samples (Lloyd, IEEE
// Trans. Inf. Theory 1982), for any site, and relative softmax tables. What formats cost is measured on this machine.
// None of the papers mixes formats.
#include <algorithm>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "converter/methods/auto/choose_within.h"
#include "converter/methods/auto/collect_candidates.h"
#include "converter/methods/auto/format_costs.h"
#include "converter/methods/method.h"

namespace intvit {
namespace {

// Whose plans compete. The first is also where everything comes from that is not a matter of choice here. Igq's groups
// compete site by site, so they are not allocated to layers; with 10 of them the logits of pictures that nothing was
// chosen on are nearest to float's for the time that groups take. With 8 bits only what is as fast as plain codes
// competes: no groups, no tables.
struct Contestant {
  const char* method;
  std::vector<std::string> settings = {};
  bool at_eight_bits = true;
};
const Contestant kContestants[] = {
    {"percentile"}, {"repq"}, {"dopq"}, {"igq", {"allocation_pictures=0", "groups=10"}, false}, {"adfq"}};
constexpr std::size_t kPlain = 0, kSearched = 2;  // dopq clips query, key and value by the error of their products

// A plan is timed whole before it is accepted; what it takes longer than the sum of its parts, the next one must save.
constexpr int kAttempts = 4;

// `frame` with the candidates of `picks`.
Plan assembled(Plan frame, const std::vector<Contest>& contests, const std::vector<std::size_t>& picks) {
  for (std::size_t c = 0; c < contests.size(); ++c) put(contests[c], contests[c].candidates[picks[c]], frame);
  return frame;
}

std::string amount(double value, const char* unit) {
  char text[48];
  std::snprintf(text, sizeof text, "%.2f %s", value, unit);
  return text;
}

// What there is to choose from; `costs` is a function of a contest and one of its candidates.
template <typename CostsOf>
std::vector<std::vector<CostedOption>> options_of(const std::vector<Contest>& contests, const CostsOf& costs) {
  std::vector<std::vector<CostedOption>> options;
  for (const Contest& contest : contests) {
    options.emplace_back();
    for (const Candidate& candidate : contest.candidates) {
      options.back().push_back({candidate.error, costs(contest, candidate)});
    }
  }
  return options;
}

// The least of each cost that any choice has.
Costs cheapest(const std::vector<std::vector<CostedOption>>& options, Costs total) {
  for (const auto& contest : options) {
    for (int c = 0; c < kCosts; ++c) {
      double least = contest[0].costs[c];
      for (const CostedOption& option : contest) least = std::min(least, option.costs[c]);
      total[c] += least;
    }
  }
  return total;
}

Status too_tight(const Budget& budget, const Costs& least) {
  std::string what;
  if (budget.milliseconds > 0 && least[kMilliseconds] > budget.milliseconds) {
    what = "--max-ms " + amount(budget.milliseconds, "ms") + " on " + std::string(isa_name(budget.isa));
  } else if (budget.megabytes > 0 && least[kMegabytes] > budget.megabytes) {
    what = "--max-mb " + amount(budget.megabytes, "MB");
  } else {
    what = "the limits together";
  }
  return {Code::invalid_argument, "no choice of formats keeps " + what + "; the least are about " +
                                      amount(least[kMilliseconds], "ms") + " on one thread and " +
                                      amount(least[kMegabytes], "MB") +
                                      ". Allow more, or start from fewer bits (--wbits, --abits)"};
}

Result<Plan> within_budget(const MethodInput& input, const Plan& plain, const Plan& frame,
                           const std::vector<Contest>& contests) {
  const Budget& budget = input.budget;
  const Result<FormatCosts> formats =
      FormatCosts::measure(input.network, plain, contests, input.run.pictures, budget.isa, input.run.progress);
  if (!formats.ok()) return formats.status();
  const Result<Costs> base = measure_costs(input.network, plain, input.run.pictures, budget.isa, input.run.progress);
  if (!base.ok()) return base.status();
  const auto options = options_of(contests, [&](const Contest& contest, const Candidate& candidate) {
    return formats.value().of(contest, candidate);
  });
  const Costs most = {budget.milliseconds > 0 ? budget.milliseconds : kNoLimit,
                      budget.megabytes > 0 ? budget.megabytes : kNoLimit};
  Costs limits = {most[0] - base.value()[0], most[1] - base.value()[1]};
  Costs least = cheapest(options, base.value());
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    const auto picks = choose_within(options, limits);
    if (!picks) break;
    Plan plan = assembled(frame, contests, *picks);
    const Result<Costs> whole = measure_costs(input.network, plan, input.run.pictures, budget.isa, input.run.progress);
    if (!whole.ok()) return whole.status();
    least = whole.value();
    if (least[0] <= most[0] && least[1] <= most[1]) return plan;
    for (int c = 0; c < kCosts; ++c) limits[c] -= std::max(0.0, least[c] - most[c]);
  }
  return too_tight(budget, least);
}

class Auto : public Planner {
 public:
  explicit Auto(const MethodInput& input) : Planner(input, {}) {
    for (const Contestant& contestant : kContestants) {
      if (eight_bits() && !contestant.at_eight_bits) continue;
      MethodInput its = input;
      its.knobs = Knobs::with(contestant.method, contestant.settings).take();
      its.budget = {};
      contestants_.push_back(find_method(contestant.method).value().start(its));
    }
    for (const auto& contestant : contestants_) sources_.plans.push_back(&contestant->plan());
    if (eight_bits()) {
      sources_.tables = false;
      sources_.margin = input.knobs.get("margin") / 100;
    } else {
      sources_.relevelled = {kPlain, kSearched};
    }
    sources_.fewer_weight_bits = input.budget.limited();
  }

  void see(SampledSegment& segment) override {
    for (const auto& contestant : contestants_) {
      if (contestant->wants_samples()) contestant->see(segment);
    }
    collect_candidates(input_, sources_, segment, contests_);
  }

  Status finish() override {
    for (const auto& contestant : contestants_) {
      if (Status status = contestant->finish(); !status.ok()) return status;
    }
    const Plan& plain = contestants_[kPlain]->plan();
    plan_ = plain;
    const Plan& settled = contestants_[kSearched]->plan();
    for (const Tensor& tensor : input_.network.tensors) {
      if (is_per_head(tensor.role)) plan_.activations[tensor.name] = settled.activations.at(tensor.name);
    }
    for (auto& [tensor, schemes] : plan_.activations) {
      for (ActivationScheme& scheme : schemes) scheme = widened(scheme, sources_.margin);
    }
    if (input_.budget.limited()) {
      Result<Plan> within = within_budget(input_, plain, plan_, contests_);
      if (!within.ok()) return within.status();
      plan_ = within.take();
      return {};
    }
    const auto options = options_of(contests_, [](const Contest&, const Candidate&) { return Costs{}; });
    plan_ = assembled(plan_, contests_, *choose_within(options, {kNoLimit, kNoLimit}));
    return {};
  }

 private:
  bool eight_bits() const { return input_.activation_bits == 8; }

  std::vector<std::unique_ptr<Planner>> contestants_;
  CandidateSources sources_;
  std::vector<Contest> contests_;
};

}  // namespace

std::unique_ptr<Planner> start_auto(const MethodInput& input) { return std::make_unique<Auto>(input); }

}  // namespace intvit
