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
std::vector<float> values(const TensorSamples& samples, const Candidate& candidate) {
  std::vector<float> all;
  for (std::size_t p = 0; p < samples.pictures.size() && p < kPictures; ++p) {
    const std::vector<float>& exact = samples.pictures[p];
    const std::vector<float> held = before(candidate) == nullptr ? exact : equalised(exact, candidate.equalisation);
    all.insert(all.end(), held.begin(), held.end());
  }
  return all;
}

// The best of 2^bits levels for what a candidate is of.
Candidate relevelled(const TensorSamples& samples, const Candidate& from, int bits) {
  return {table_scheme(least_square_levels(values(samples, from), bits), bits, 8), from.equalisation};
}

class Collector {
 public:
  Collector(const MethodInput& input, const CandidateSources& sources, SampledSegment& segment,
            std::vector<Contest>& contests)
      : input_(input), sources_(sources), segment_(segment), contests_(contests) {}

  void run() {
    for (const SampledInput& input : segment_.linear_inputs()) linear_input(input);
    for (const SampledAttention& attention : segment_.attentions()) softmax(attention);
  }

 private:
  void linear_input(const SampledInput& input) {
    const TensorSamples& samples = segment_.at(input.tensor);
    const ModuleError error(samples, *input.layer, kPictures);
    Contest contest{segment_.name(input.tensor), segment_.index, {}};
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
    if (sources_.fewer_weight_bits) weights(input.linear->name, error);
  }

  void weights(const std::string& name, const ModuleError& error) {
    Contest contest{name, segment_.index, {}};
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

  void softmax(const SampledAttention& attention) {
    Contest contest{segment_.name(attention.probabilities), segment_.index, {}};
    for (const Plan* plan : sources_.plans) {
      const auto found = plan->softmax.find(contest.name);
      if (found != plan->softmax.end()) contest.candidates.push_back({found->second});
    }
    if (contest.candidates.empty()) return;  // the exponential codes of 8 bits need no competitor
    const AttentionError& error = segment_.attention_error(attention);
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
  SampledSegment& segment_;
  std::vector<Contest>& contests_;
};

}  // namespace

void collect_candidates(const MethodInput& input, const CandidateSources& sources, SampledSegment& segment,
                        std::vector<Contest>& contests) {
  Collector(input, sources, segment, contests).run();
}

}  // namespace intvit
