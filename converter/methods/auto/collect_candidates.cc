#include "converter/methods/auto/collect_candidates.h"

#include <algorithm>
#include <string>

#include "converter/errors/module_error.h"
#include "converter/float/parallel.h"
#include "converter/plan/simulate.h"
#include "converter/quantizers/choose_softmax.h"
#include "converter/quantizers/least_square_levels.h"
#include "converter/quantizers/logarithmic.h"
#include "converter/quantizers/table.h"
#include "converter/quantizers/tanq.h"

namespace intvit {
namespace {

// Pictures on which formats are compared.
constexpr int kPictures = 8;

constexpr int kFewestWeightBits = 4;

const Equalisation* before(const Candidate& candidate) {
  return candidate.equalisation.scale.empty() ? nullptr : &candidate.equalisation;
}

// What the option's codes are of, on the pictures that count.
std::vector<float> values(const SiteSamples& samples, const Candidate& candidate) {
  std::vector<float> all;
  for (std::size_t p = 0; p < samples.pictures.size() && p < kPictures; ++p) {
    const std::vector<float>& exact = samples.pictures[p];
    const std::vector<float> held = before(candidate) == nullptr ? exact : equalised(exact, candidate.equalisation);
    all.insert(all.end(), held.begin(), held.end());
  }
  return all;
}

// The best of 2^bits levels for what a candidate is of.
Candidate relevelled(const SiteSamples& samples, const Candidate& from, int bits) {
  return {table_scheme(least_square_levels(values(samples, from), bits), bits, 8), from.equalisation};
}

class Collector {
 public:
  Collector(const MethodInput& input, const CandidateSources& sources, SampledBlock& block,
            std::vector<Contest>& contests)
      : input_(input), sources_(sources), block_(block), contests_(contests) {}

  void run() {
    linear_input(Site::qkv_input, Layer::qkv, block_.layers.qkv);
    linear_input(Site::attention_output, Layer::proj, block_.layers.proj);
    linear_input(Site::fc1_input, Layer::fc1, block_.layers.fc1);
    linear_input(Site::fc2_input, Layer::fc2, block_.layers.fc2);
    softmax();
  }

 private:
  void linear_input(Site site, Layer layer, const FloatLinear& linear) {
    const SiteSamples& samples = block_.at(site);
    const ModuleError error(samples, linear, kPictures);
    Contest contest{block_.name(site), block_.index, {}};
    for (const Plan* plan : sources_.plans) {
      contest.candidates.push_back({plan->activations.at(contest.name)[0]});
      const auto e = plan->equalisations.find(contest.name);
      if (e != plan->equalisations.end()) contest.candidates.back().equalisation = e->second;
    }
    for (const std::size_t base : sources_.relevelled) {
      contest.candidates.push_back(relevelled(samples, contest.candidates[base], input_.activation_bits));
    }
    parallel_for(input_.run.threads, static_cast<int>(contest.candidates.size()), [&](int i) {
      Candidate& candidate = contest.candidates[static_cast<std::size_t>(i)];
      candidate.error = error.of(std::get<ActivationScheme>(candidate.scheme), before(candidate));
    });
    contests_.push_back(std::move(contest));
    if (sources_.fewer_weight_bits) weights(layer_name(layer, block_.index), error);
  }

  void weights(const std::string& name, const ModuleError& error) {
    Contest contest{name, block_.index, {}};
    const WeightScheme whole = sources_.plans.front()->weights.at(name);
    contest.candidates.push_back({whole});
    if (whole.bits > kFewestWeightBits) {
      contest.candidates.push_back({WeightScheme{kFewestWeightBits, WeightRange::mse}});
    }
    for (Candidate& candidate : contest.candidates) {
      candidate.error = error.of(std::get<WeightScheme>(candidate.scheme));
    }
    contests_.push_back(std::move(contest));
  }

  void softmax() {
    Contest contest{block_.name(Site::post_softmax), block_.index, {}};
    for (const Plan* plan : sources_.plans) {
      const auto found = plan->softmax.find(contest.name);
      if (found != plan->softmax.end()) contest.candidates.push_back({found->second});
    }
    if (contest.candidates.empty()) return;  // the exponential codes of 8 bits need no competitor
    const AttentionError& error = block_.attention_error();
    SoftmaxScheme relative;
    relative.codes = SoftmaxKind::relative;
    relative.bits = input_.activation_bits;
    std::vector<TableScheme> tables = {logarithmic_table(LogarithmBase::square_root_of_two, 1, relative.bits),
                                       logarithmic_table(LogarithmBase::two, 1, relative.bits)};
    for (const TanAngles& angles : tan_candidates()) tables.push_back(tan_table(angles, relative.bits));
    contest.candidates.push_back(
        {choose(error, relative, tables, /*per_head=*/true, /*centroids=*/true, input_.run.threads)});
    const double power = std::max(error.power(), 1e-30);
    for (Candidate& candidate : contest.candidates) {
      for (int head = 0; head < error.heads(); ++head) {
        candidate.error += error.of(std::get<SoftmaxScheme>(candidate.scheme), head) / power;
      }
    }
    contests_.push_back(std::move(contest));
  }

  const MethodInput& input_;
  const CandidateSources& sources_;
  SampledBlock& block_;
  std::vector<Contest>& contests_;
};

}  // namespace

void collect_candidates(const MethodInput& input, const CandidateSources& sources, SampledBlock& block,
                        std::vector<Contest>& contests) {
  Collector(input, sources, block, contests).run();
}

}  // namespace intvit
