// auto: for every place, of all the formats that the runtime has, the one with the least error behind the next
// multiplication. The formats' parameters come from the methods that know how to choose them; beyond theirs, tables
// whose levels are the best there are for the samples (Lloyd, IEEE Trans. Inf. Theory 1982), for any place, and
// relative softmax tables. None of the papers mixes formats.
#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "converter/float/parallel.h"
#include "converter/methods/method.h"
#include "converter/methods/uniform.h"
#include "converter/quantizers/attention_error.h"
#include "converter/quantizers/channel_error.h"
#include "converter/quantizers/least_square_levels.h"
#include "converter/quantizers/logarithmic.h"
#include "converter/quantizers/module_error.h"
#include "converter/quantizers/table.h"
#include "converter/quantizers/tanq.h"

namespace intvit {
namespace {

// Whose plans compete. The first is also where everything comes from that is not a matter of choice here.
constexpr std::array kContestants = {"percentile", "repq", "dopq", "igq", "adfq"};

// Pictures on which formats are compared.
constexpr int kPictures = 8;

struct Candidate {
  ActivationScheme scheme;
  Equalisation equalisation;  // empty: none

  const Equalisation* before() const { return equalisation.scale.empty() ? nullptr : &equalisation; }
};

std::vector<float> equalised(const SiteSamples& samples, const Equalisation* e) {
  std::vector<float> values;
  for (std::size_t p = 0; p < samples.pictures.size() && p < kPictures; ++p) {
    for (std::size_t i = 0; i < samples.pictures[p].size(); ++i) {
      const float x = samples.pictures[p][i];
      const std::size_t c = i % static_cast<std::size_t>(samples.cols);
      values.push_back(e == nullptr ? x : static_cast<float>(x / e->scale[c] - e->offset[c]));
    }
  }
  return values;
}

class Tournament {
 public:
  Tournament(const MethodInput& input, std::vector<Plan> plans)
      : input_(input), plans_(std::move(plans)), result_(plans_.front()) {}

  Result<Plan> run() {
    result_.equalisations.clear();
    const Status status =
        for_each_block(input_.network, input_.pictures, input_.threads, input_.progress, [&](const BlockSamples& b) {
          const FloatBlock& block = input_.network.blocks[static_cast<std::size_t>(b.block)];
          choose(b, Site::qkv_input, block.qkv);
          choose(b, Site::attention_output, block.proj);
          choose(b, Site::fc1_input, block.fc1);
          choose(b, Site::fc2_input, block.fc2);
          // Queries, keys and values are plain codes of every head; dopq clips them by the error of their product.
          for (const Site site : {Site::query, Site::key, Site::value}) {
            const std::string name = site_name(site, b.block);
            result_.activations[name] = plans_[2].activations.at(name);
          }
          choose_softmax(b, block.proj);
        });
    if (!status.ok()) return status;
    return std::move(result_);
  }

 private:
  void choose(const BlockSamples& samples, Site site, const FloatLinear& layer) {
    const std::string name = site_name(site, samples.block);
    const SiteSamples& at = samples.at(site);
    std::vector<Candidate> candidates;
    for (const Plan& plan : plans_) {
      candidates.push_back({plan.activations.at(name)[0], {}});
      const auto e = plan.equalisations.find(name);
      if (e != plan.equalisations.end()) candidates.back().equalisation = e->second;
    }
    // The best levels for what the first and the third of the plans, without and with equalisation, make of the place.
    for (const std::size_t base : {std::size_t{0}, std::size_t{2}}) {
      const Candidate& from = candidates[base];
      candidates.push_back({table_scheme(least_square_levels(equalised(at, from.before()), input_.activation_bits),
                                         input_.activation_bits, 8),
                            from.equalisation});
    }
    const ModuleError error(at, layer, kPictures);
    std::vector<double> errors(candidates.size());
    parallel_for(input_.threads, static_cast<int>(candidates.size()), [&](int i) {
      const Candidate& c = candidates[static_cast<std::size_t>(i)];
      errors[static_cast<std::size_t>(i)] = error.of(c.scheme, c.before());
    });
    const auto best = static_cast<std::size_t>(std::min_element(errors.begin(), errors.end()) - errors.begin());
    result_.activations[name] = {candidates[best].scheme};
    if (candidates[best].before() != nullptr) result_.equalisations[name] = candidates[best].equalisation;
  }

  void choose_softmax(const BlockSamples& samples, const FloatLinear& proj) {
    const std::string name = site_name(Site::post_softmax, samples.block);
    const AttentionError error(samples.at(Site::post_softmax), samples.at(Site::value),
                               result_.activations.at(site_name(Site::value, samples.block)), column_powers(proj),
                               input_.threads);
    std::vector<SoftmaxScheme> candidates;
    for (const Plan& plan : plans_) {
      const auto found = plan.softmax.find(name);
      if (found != plan.softmax.end()) candidates.push_back(found->second);
    }
    SoftmaxScheme relative;
    relative.codes = SoftmaxCodes::relative;
    relative.bits = input_.activation_bits;
    std::vector<TableScheme> tables = {logarithmic_table(LogarithmBase::square_root_of_two, 1, relative.bits),
                                       logarithmic_table(LogarithmBase::two, 1, relative.bits)};
    for (const TanAngles& angles : tan_candidates()) tables.push_back(tan_table(angles, relative.bits));
    candidates.push_back(error.choose(relative, tables, /*per_head=*/true, /*centroids=*/true));
    double least = -1;
    for (const SoftmaxScheme& candidate : candidates) {
      double sum = 0;
      for (int head = 0; head < error.heads(); ++head) sum += error.of(candidate, head);
      if (least >= 0 && sum >= least) continue;
      least = sum;
      result_.softmax[name] = candidate;
    }
  }

  const MethodInput& input_;
  const std::vector<Plan> plans_;
  Plan result_;
};

}  // namespace

Result<Plan> plan_auto(const MethodInput& input) {
  std::vector<Plan> plans;
  for (const char* name : kContestants) {
    const Result<Method> method = find_method(name);
    if (!method.ok()) return method.status();
    const Result<Knobs> knobs = Knobs::with(name, {});
    if (!knobs.ok()) return knobs.status();
    Result<Plan> plan =
        method.value().make_plan({input.network, input.statistics, input.weight_bits, input.activation_bits,
                                  input.pictures, input.threads, input.progress, knobs.value()});
    if (!plan.ok()) return plan.status();
    plans.push_back(plan.take());
    // With 8 bits plain codes lose nothing, and nothing is faster.
    if (input.activation_bits == 8) return plans.front();
  }
  return Tournament(input, std::move(plans)).run();
}

}  // namespace intvit
