// auto: for every place, of all the formats that the runtime has, the one with the least error behind the next
// multiplication, within what the model may cost (--max-ms, --max-mb). The formats' parameters come from the methods
// that know how to choose them; beyond theirs, tables whose levels are the best there are for the samples (Lloyd, IEEE
// Trans. Inf. Theory 1982), for any place, and relative softmax tables. What formats cost is measured on this machine.
// None of the papers mixes formats.
#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include "converter/methods/auto/choose_within.h"
#include "converter/methods/auto/collect_candidates.h"
#include "converter/methods/auto/format_costs.h"
#include "converter/methods/method.h"

namespace intvit {
namespace {

// Whose plans compete. The first is also where everything comes from that is not a matter of choice here. With 8 bits
// plain codes lose nothing, and nothing is faster, so that it stands alone.
constexpr const char* kContestants[] = {"percentile", "repq", "dopq", "igq", "adfq"};
constexpr std::size_t kPlain = 0, kSearched = 2;  // dopq clips query, key and value by the error of their products

// A plan is timed whole before it is accepted; what it takes longer than the sum of its parts, the next one must save.
constexpr int kAttempts = 4;

Result<std::vector<Plan>> contestants(const MethodInput& input) {
  std::vector<Plan> plans;
  for (const char* name : kContestants) {
    const Result<Method> method = find_method(name);
    if (!method.ok()) return method.status();
    const Result<Knobs> knobs = Knobs::with(name, {});
    if (!knobs.ok()) return knobs.status();
    Result<Plan> plan = method.value().make_plan({input.network,
                                                  input.statistics,
                                                  input.weight_bits,
                                                  input.activation_bits,
                                                  input.pictures,
                                                  input.threads,
                                                  input.progress,
                                                  knobs.value(),
                                                  {}});
    if (!plan.ok()) return plan.status();
    plans.push_back(plan.take());
    if (input.activation_bits == 8) break;
  }
  return plans;
}

// `frame` with the options of `picks` in all places.
Plan assembled(Plan frame, const std::vector<Place>& places, const std::vector<std::size_t>& picks) {
  for (std::size_t p = 0; p < places.size(); ++p) put(places[p], places[p].options[picks[p]], frame);
  return frame;
}

std::string amount(double value, const char* unit) {
  char text[48];
  std::snprintf(text, sizeof text, "%.2f %s", value, unit);
  return text;
}

// The least of each cost that any choice has.
Costs cheapest(const std::vector<std::vector<CostedOption>>& options, Costs total) {
  for (const auto& place : options) {
    for (int c = 0; c < kCosts; ++c) {
      double least = place[0].costs[c];
      for (const CostedOption& option : place) least = std::min(least, option.costs[c]);
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
                           const std::vector<Place>& places) {
  const Budget& budget = input.budget;
  const Result<FormatCosts> formats =
      FormatCosts::measure(input.network, plain, places, input.pictures, budget.isa, input.progress);
  if (!formats.ok()) return formats.status();
  const Result<Costs> base = measure_costs(input.network, plain, input.pictures, budget.isa, input.progress);
  if (!base.ok()) return base.status();
  std::vector<std::vector<CostedOption>> options;
  for (const Place& place : places) {
    options.emplace_back();
    for (const PlaceOption& option : place.options)
      options.back().push_back({option.error, formats.value().of(place, option)});
  }
  const Costs most = {budget.milliseconds > 0 ? budget.milliseconds : kNoLimit,
                      budget.megabytes > 0 ? budget.megabytes : kNoLimit};
  Costs limits = {most[0] - base.value()[0], most[1] - base.value()[1]};
  Costs least = cheapest(options, base.value());
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    const auto picks = choose_within(options, limits);
    if (!picks) break;
    Plan plan = assembled(frame, places, *picks);
    const Result<Costs> whole = measure_costs(input.network, plan, input.pictures, budget.isa, input.progress);
    if (!whole.ok()) return whole.status();
    least = whole.value();
    if (least[0] <= most[0] && least[1] <= most[1]) return plan;
    for (int c = 0; c < kCosts; ++c) limits[c] -= std::max(0.0, least[c] - most[c]);
  }
  return too_tight(budget, least);
}

}  // namespace

Result<Plan> plan_auto(const MethodInput& input) {
  Result<std::vector<Plan>> made = contestants(input);
  if (!made.ok()) return made.status();
  const std::vector<Plan>& plans = made.value();
  const bool plain_only = plans.size() == 1;
  if (plain_only && !input.budget.limited()) return plans[kPlain];
  const Plan& settled = plain_only ? plans[kPlain] : plans[kSearched];
  const Result<std::vector<Place>> places =
      collect_places(input, {plans, plain_only ? std::vector<std::size_t>{} : std::vector{kPlain, kSearched}, settled,
                             input.budget.limited()});
  if (!places.ok()) return places.status();

  Plan frame = plans[kPlain];
  for (int b = 0; b < input.network.description.depth; ++b) {
    for (const Site site : {Site::query, Site::key, Site::value}) {
      frame.activations[site_name(site, b)] = settled.activations.at(site_name(site, b));
    }
  }
  if (input.budget.limited()) return within_budget(input, plans[kPlain], frame, places.value());
  std::vector<std::vector<CostedOption>> options;
  for (const Place& place : places.value()) {
    options.emplace_back();
    for (const PlaceOption& option : place.options) options.back().push_back({option.error, {}});
  }
  return assembled(frame, places.value(), *choose_within(options, {kNoLimit, kNoLimit}));
}

}  // namespace intvit
