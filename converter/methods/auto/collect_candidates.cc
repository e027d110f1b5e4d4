#include "converter/methods/auto/collect_candidates.h"

#include <algorithm>
#include <string>

#include "converter/equalise/deviations.h"
#include "converter/errors/channel_error.h"
#include "converter/errors/module_error.h"
#include "converter/float/parallel.h"
#include "converter/plan/simulate.h"
#include "converter/quantizers/aside.h"
#include "converter/quantizers/choose_softmax.h"
#include "converter/quantizers/logarithmic.h"
#include "converter/quantizers/per_token.h"
#include "converter/quantizers/tanq.h"

namespace intvit {
namespace {

// Pictures on which formats are compared.
constexpr int kPictures = 8;

constexpr int kFewestWeightBits = 4;

// Of channels' deviations: half way between the channels as they are and channels that are all alike.
constexpr double kDeviationExponent = 0.5;

const Equalisation* before(const Candidate& candidate) {
  return candidate.equalisation.scale.empty() ? nullptr : &candidate.equalisation;
}

// What the option's codes are of, on the pictures that count.
std::vector<float> values(const TensorSamples& samples, const Equalisation* equalisation) {
  std::vector<float> all;
  for (std::size_t p = 0; p < samples.pictures.size() && p < kPictures; ++p) {
    const std::vector<float>& exact = samples.pictures[p];
    const std::vector<float> held = equalisation == nullptr ? exact : equalised(exact, *equalisation);
    all.insert(all.end(), held.begin(), held.end());
  }
  return all;
}

// What an error of each channel of x' counts behind the layer.
std::vector<double> importance_of(const FloatLinear& layer, const Equalisation& equalisation) {
  std::vector<double> importance = column_powers(layer);
  for (std::size_t c = 0; c < equalisation.scale.size(); ++c) {
    importance[c] *= equalisation.scale[c] * equalisation.scale[c];
  }
  return importance;
}

class Collector {
 public:
  Collector(const MethodInput& input, const CandidateSources& sources, SampledSegment& segment,
            std::vector<Contest>& contests)
      : input_(input),
        sources_(sources),
        share_(input.knobs.get("aside") / 100),
        segment_(segment),
        contests_(contests) {}

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
      const ActivationScheme& scheme = plan->activations.at(contest.name)[0];
      if (!sources_.tables && !contest.candidates.empty() && scheme.kind == CodeKind::table) continue;
      contest.candidates.push_back({widened(scheme, sources_.margin)});
      const auto e = plan->equalisations.find(contest.name);
      if (e != plan->equalisations.end()) contest.candidates.back().equalisation = e->second;
    }
    if (!sources_.relevelled.empty()) {
      for (const std::size_t base : sources_.relevelled) {
        const Equalisation its_own = contest.candidates[base].equalisation;  // candidates move as more come
        tables(samples, *input.layer, its_own, contest);
      }
      if (input.from<LayerNorm>()) norm_input(samples, input, contest);
    }
    parallel_for(input_.run.threads, static_cast<int>(contest.candidates.size()), [&](int i) {
      Candidate& candidate = contest.candidates[static_cast<std::size_t>(i)];
      candidate.error = error.of(std::get<ActivationScheme>(candidate.scheme), before(candidate));
    });
    if (input.from<LayerNorm>())
      add_errors_of_weights(sources_.plans.front()->weights.at(input.linear->name), error, contest);
    contests_.push_back(std::move(contest));
    if (sources_.fewer_weight_bits) weights(input.linear->name, error);
  }

  // The best levels for what a candidate's equalisation makes of the tensor, without and with values aside.
  void tables(const TensorSamples& samples, const FloatLinear& layer, const Equalisation& equalisation,
              Contest& contest) const {
    const std::vector<float> all = values(samples, equalisation.scale.empty() ? nullptr : &equalisation);
    const std::vector<double> importance = importance_of(layer, equalisation);
    contest.candidates.push_back({table_with_values_aside(all, importance, input_.activation_bits, 0), equalisation});
    if (!(share_ > 0)) return;
    contest.candidates.push_back(
        {table_with_values_aside(all, importance, input_.activation_bits, share_), equalisation});
  }

  // What a LayerNorm gives, with its channels centred and partly brought to the same deviation: that costs nothing.
  void norm_input(const TensorSamples& samples, const SampledInput& input, Contest& contest) const {
    const Equalisation e = deviation_equalisation(samples, kDeviationExponent);
    TensorSamples moved = samples;
    for (std::vector<float>& picture : moved.pictures) picture = equalised(picture, e);
    const TokenOptions options{input_.activation_bits, 8, threshold_aside(moved, share_), {}};
    contest.candidates.push_back({token_scheme(moved, importance_of(*input.layer, e), options), e});
    tables(samples, *input.layer, e, contest);
  }

  // Equalisations change the weights behind, too, and what is lost by rounding them: once for each that candidates
  // have.
  void add_errors_of_weights(const WeightScheme& scheme, const ModuleError& error, Contest& contest) const {
    std::vector<const Equalisation*> distinct;
    std::vector<std::size_t> which;  // by candidate
    for (const Candidate& candidate : contest.candidates) {
      const auto same = std::find_if(distinct.begin(), distinct.end(),
                                     [&](const Equalisation* e) { return e->scale == candidate.equalisation.scale; });
      which.push_back(static_cast<std::size_t>(same - distinct.begin()));
      if (same == distinct.end()) distinct.push_back(&candidate.equalisation);
    }
    std::vector<double> errors(distinct.size());
    parallel_for(input_.run.threads, static_cast<int>(distinct.size()), [&](int i) {
      const Equalisation* equalisation = distinct[static_cast<std::size_t>(i)];
      errors[static_cast<std::size_t>(i)] = error.of(scheme, equalisation->scale.empty() ? nullptr : equalisation);
    });
    for (std::size_t c = 0; c < which.size(); ++c) contest.candidates[c].error += errors[which[c]];
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
    if (!sources_.tables) return;  // the exponential codes of 8 bits need no competitor
    Contest contest{segment_.name(attention.probabilities), segment_.index, {}};
    for (const Plan* plan : sources_.plans) {
      const auto found = plan->softmax.find(contest.name);
      if (found != plan->softmax.end()) contest.candidates.push_back({found->second});
    }
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
  const double share_;  // of a tensor's values that may stay without a code
  SampledSegment& segment_;
  std::vector<Contest>& contests_;
};

}  // namespace

ActivationScheme widened(ActivationScheme scheme, double margin) {
  scheme.grid.scale *= 1 + margin;
  for (UniformScheme& part : scheme.parts) part.scale *= 1 + margin;
  return scheme;
}

void collect_candidates(const MethodInput& input, const CandidateSources& sources, SampledSegment& segment,
                        std::vector<Contest>& contests) {
  Collector(input, sources, segment, contests).run();
}

}  // namespace intvit
