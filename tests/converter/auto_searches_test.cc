// What auto's plan holds after its search, against all that competes: by the error behind the next multiplication, no
// candidate is better.
#include <doctest/doctest.h>

#include <set>
#include <vector>

#include "converter/errors/attention_error.h"
#include "converter/errors/channel_error.h"
#include "converter/errors/module_error.h"
#include "converter/methods/auto/collect_candidates.h"
#include "converter/quantizers/least_square_levels.h"
#include "converter/quantizers/logarithmic.h"
#include "converter/quantizers/table.h"
#include "converter/quantizers/tanq.h"
#include "tests/converter/searched_network.h"

using namespace intvit;

namespace {

// What won anywhere.
struct Winners {
  std::set<CodeKind> kinds;
  bool equalised = false, relative = false;
};

// What competes at a linear layer's input: with what rounding the weights behind it loses, where a LayerNorm's output
// may be equalised.
class Site {
 public:
  Site(Searched& f, const SegmentSamples& samples, const std::string& layer, int bits)
      : name(f.name(samples, layer + ".input")),
        inputs(f.at(samples, layer + ".input")),
        error_(inputs, f.layer(samples, layer), kSearchedPictures),
        weights_{bits, WeightRange::mse},
        norm_(layer == "attn.qkv" || layer == "mlp.fc1") {}

  const std::string name;
  const TensorSamples& inputs;

  double error(const ActivationScheme& scheme, const Equalisation* equalisation) const {
    return error_.of(scheme, equalisation) + (norm_ ? error_.of(weights_, equalisation) : 0);
  }

 private:
  const ModuleError error_;
  const WeightScheme weights_;
  const bool norm_;
};

const char* const kLayers[] = {"attn.qkv", "attn.proj", "mlp.fc1", "mlp.fc2"};

// No contestant has less error than `chosen` at the linear layers of one block.
void check_sites(Searched& f, const SegmentSamples& samples, const Plan& chosen, const std::vector<Plan>& plans,
                 Winners& winners) {
  for (const char* layer : kLayers) {
    const Site site(f, samples, layer, kBits);
    CAPTURE(site.name);
    const ActivationScheme& ours = chosen.activations.at(site.name)[0];
    const double least = site.error(ours, equalisation_at(chosen, site.name));
    for (const Plan& plan : plans) {
      const ActivationScheme& theirs = plan.activations.at(site.name)[0];
      CHECK(least <= kMethodRounding * site.error(theirs, equalisation_at(plan, site.name)));
    }
    std::vector<float> values;
    for (const auto& picture : site.inputs.pictures) values.insert(values.end(), picture.begin(), picture.end());
    const ActivationScheme table = table_scheme(least_square_levels(values, kBits), kBits, 8);
    CHECK(least <= kMethodRounding * site.error(table, nullptr));
    winners.kinds.insert(ours.kind);
    winners.equalised |= equalisation_at(chosen, site.name) != nullptr;
  }
}

// The same for the softmax of one block.
void check_softmax_site(Searched& f, const SegmentSamples& samples, const Plan& chosen, const std::vector<Plan>& plans,
                        Winners& winners) {
  const std::string name = f.name(samples, "attn.post_softmax");
  const AttentionError error(f.at(samples, "attn.post_softmax"), f.at(samples, "attn.value"),
                             plans[2].activations.at(f.name(samples, "attn.value")),
                             column_powers(f.layer(samples, "attn.proj")), 1);
  const SoftmaxScheme relative{SoftmaxKind::relative, kBits, 8, {}, {1.0}};
  std::vector<SoftmaxScheme> rivals;
  for (std::size_t p = 1; p < plans.size(); ++p) rivals.push_back(plans[p].softmax.at(name));
  for (const LogarithmBase base : {LogarithmBase::two, LogarithmBase::square_root_of_two}) {
    rivals.push_back(with_table(relative, logarithmic_table(base, 1, kBits)));
  }
  for (const TanAngles& angles : tan_candidates()) rivals.push_back(with_table(relative, tan_table(angles, kBits)));
  const auto total = [&](const SoftmaxScheme& scheme) {
    double sum = 0;
    for (int head = 0; head < kHeads; ++head) sum += error.of(scheme, head);
    return sum;
  };
  for (const SoftmaxScheme& rival : rivals) CHECK(total(chosen.softmax.at(name)) <= kMethodRounding * total(rival));
  winners.relative |= chosen.softmax.at(name).codes == SoftmaxKind::relative;
}

}  // namespace

TEST_CASE("searches of auto: it has at every site the least error of all methods, and of tables of its own") {
  Winners winners;
  for (const FloatNetwork& network :
       {searched_network(), random_network(small_vit(), 21), network_of_uneven_tokens()}) {
    Searched f(network);
    const Plan chosen = f.plan("auto");
    std::vector<Plan> plans;
    for (const char* name : {"percentile", "repq", "dopq", "adfq"}) plans.push_back(f.plan(name));
    plans.push_back(f.plan("igq", {"allocation_pictures=0", "groups=10"}));
    for (const SegmentSamples& samples : f.blocks) {
      check_sites(f, samples, chosen, plans, winners);
      check_softmax_site(f, samples, chosen, plans, winners);
    }
  }
  for (const CodeKind kind : {CodeKind::token, CodeKind::channel_groups}) {
    CAPTURE(static_cast<int>(kind));
    CHECK(winners.kinds.contains(kind));
  }
  CHECK(winners.relative);
}

TEST_CASE("searches of auto: with 8 bits it has, of what is as fast as plain codes, the least error with a margin") {
  constexpr double kMargin = 0.25;
  Winners winners;
  for (const FloatNetwork& network : {searched_network(), network_of_uneven_tokens()}) {
    Searched f(network);
    const Plan chosen = f.plan("auto", {"margin=25"}, 8), plain = f.plan("percentile", {}, 8);
    CHECK(chosen.softmax.empty());
    for (const auto& [tensor, schemes] : f.plan("dopq", {}, 8).activations) {
      const Role role = f.network.at(f.network.find(tensor)).role;
      if (!is_per_head(role)) continue;
      CHECK(chosen.activations.at(tensor)[0].grid.scale == doctest::Approx((1 + kMargin) * schemes[0].grid.scale));
    }
    for (const SegmentSamples& samples : f.blocks) {
      for (const char* layer : kLayers) {
        const Site site(f, samples, layer, 8);
        CAPTURE(site.name);
        const ActivationScheme& ours = chosen.activations.at(site.name)[0];
        CHECK(ours.kind != CodeKind::table);
        CHECK(ours.kind != CodeKind::channel_groups);
        const double least = site.error(ours, equalisation_at(chosen, site.name));
        for (const char* name : {"percentile", "repq", "dopq", "adfq"}) {
          const Plan plan = f.plan(name, {}, 8);
          const ActivationScheme& theirs = plan.activations.at(site.name)[0];
          if (theirs.kind == CodeKind::table) continue;
          CHECK(least <= kMethodRounding * site.error(widened(theirs, kMargin), equalisation_at(plan, site.name)));
        }
        winners.kinds.insert(ours.kind);
        winners.equalised |= equalisation_at(chosen, site.name) != nullptr;
      }
    }
  }
  CHECK(winners.equalised);
  CHECK(winners.kinds.contains(CodeKind::uniform));
}

TEST_CASE("searches of auto: contests have every contestant, and tables of its own") {
  Searched f;
  const std::vector<Plan> plans = {f.plan("percentile"), f.plan("dopq")};
  const MethodInput input{f.network, f.statistics, kBits, kBits, {f.pictures, 1, kSilent}, Knobs("auto")};
  std::vector<Contest> contests;
  for (const SegmentSamples& samples : f.blocks) {
    SampledSegment segment(input, samples);
    collect_candidates(input, {.plans = {&plans[0], &plans[1]}, .relevelled = {0, 1}}, segment, contests);
  }
  CHECK(contests.size() == 2 * 5);
  double none_aside = 0, some_aside = 0;
  for (const Contest& contest : contests) {
    CAPTURE(contest.name);
    const bool softmax = std::holds_alternative<SoftmaxScheme>(contest.candidates[0].scheme);
    // Of softmax, percentile has exponential codes. Of others, two plans, two tables for each; tokens and two tables of
    // what is equalised, which LayerNorms' outputs are.
    const bool norm = contest.name.ends_with("qkv.input") || contest.name.ends_with("fc1.input");
    CHECK(contest.candidates.size() == (softmax ? 2u : norm ? 9u : 6u));
    for (const Candidate& candidate : contest.candidates) CHECK(candidate.error > 0);
    if (softmax) continue;
    // Levels of least square are better than even ones where nothing is equalised.
    CHECK(contest.candidates[2].error < contest.candidates[0].error);
    CHECK(std::get<ActivationScheme>(contest.candidates[3].scheme).outlier > 0);
    none_aside += contest.candidates[2].error;
    some_aside += contest.candidates[3].error;
    if (norm) CHECK(std::get<ActivationScheme>(contest.candidates[6].scheme).kind == CodeKind::token);
  }
  CHECK(some_aside < 0.9 * none_aside);
}
