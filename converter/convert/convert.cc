#include "converter/convert/convert.h"

#include "converter/convert/describe.h"
#include "converter/convert/prepare.h"
#include "converter/convert/round_layers.h"
#include "converter/equalise/fold.h"
#include "converter/lower/check_plan.h"
#include "converter/lower/lower.h"
#include "converter/methods/auto/latency.h"
#include "converter/optimise/training_state.h"
#include "converter/weights/sequential.h"
#include "engine/format/writer.h"
#include "engine/run/outputs_digest.h"
#include "intvit/session.h"

namespace intvit {
namespace {

constexpr int kLatencyRuns = 60;

struct MethodChoice {
  Method method;
  Knobs knobs;
};

// By the options, which are checked.
Result<MethodChoice> method_of(const ConvertOptions& options) {
  const Result<Method> method = find_method(options.method);
  if (!method.ok()) return method.status();
  const Result<Knobs> knobs = Knobs::with(options.method, options.settings);
  if (!knobs.ok()) return knobs.status();
  if (options.budget.limited() && (options.method != "auto" || options.plan)) {
    return Status(Code::invalid_argument, "only --method auto chooses formats within --max-ms and --max-mb, not " +
                                              (options.plan ? "a given plan" : "method '" + options.method + "'"));
  }
  if (!options.sites.empty() && (options.budget.limited() || options.plan)) {
    return Status(Code::invalid_argument, std::string("--site goes with neither --max-ms and --max-mb nor --plan") +
                                              (options.plan ? "; edit the plan" : ""));
  }
  return MethodChoice{method.value(), knobs.value()};
}

// The plan of a method with other numbers than the conversion's.
Result<Plan> plan_of(const SiteVariant& variant, const Preparation& preparation, const PictureRun& run,
                     const ConvertOptions& options) {
  std::vector<std::string> settings;
  if (variant.method == options.method) settings = options.settings;
  if (!variant.aside.empty()) settings.push_back("aside=" + variant.aside);
  const Result<Method> method = find_method(variant.method);
  if (!method.ok()) return method.status();
  const Result<Knobs> knobs = Knobs::with(variant.method, settings);
  if (!knobs.ok()) return knobs.status();
  return make_plan(method.value(), {preparation.network, preparation.calibration.statistics, options.weight_bits,
                                    variant.bits, run, knobs.value()});
}

// Chooses the quantizers and folds their equalisations into the network, on top of those of the heads.
Status choose(Preparation& preparation, const PictureRun& run, const ConvertOptions& options,
              const MethodChoice& choice, Plan& plan) {
  if (options.plan) {
    plan = *options.plan;
    std::map<std::string, Equalisation> others = plan.equalisations;
    for (const auto& [site, head] : preparation.heads) others.erase(site);
    return equalise(others, preparation.network);
  }
  Result<Plan> made =
      make_plan(choice.method, {preparation.network, preparation.calibration.statistics, options.weight_bits,
                                options.activation_bits, run, choice.knobs, options.budget});
  if (!made.ok()) return made.status();
  plan = made.take();
  const auto make = [&](const SiteVariant& variant) { return plan_of(variant, preparation, run, options); };
  const SiteVariant usual{options.method, "", options.activation_bits};
  if (Status status = apply_site_rules(preparation.network, options.sites, usual, make, plan); !status.ok()) {
    return status;
  }
  if (Status status = equalise(plan.equalisations, preparation.network); !status.ok()) return status;
  plan.method = options.method;
  plan.equalisations.insert(preparation.heads.begin(), preparation.heads.end());
  return {};
}

// A conversion that is resumed has chosen its plan already.
Status resume_plan(ConvertOptions& options) {
  if (options.training == nullptr || options.plan) return {};
  const std::string* kept = options.training->find(TrainingState::kPlan);
  if (kept == nullptr) return {};
  Result<Plan> plan = plan_from_json(*kept, "the plan of an interrupted conversion");
  if (!plan.ok()) return plan.status();
  options.plan = plan.take();
  return {};
}

// Verified is the model as the runtime reads it.
Status check(const FloatNetwork& network, const Calibration& calibration, const PictureRun& run,
             const ConvertOptions& options, Conversion& result) {
  const Result<std::shared_ptr<const Model>> model = Model::from_memory(result.file, "converted model");
  if (!model.ok()) {
    const Code code = model.status().code() == Code::out_of_memory ? Code::out_of_memory : Code::check_failed;
    return {code, "the converted model cannot be read back: " + model.status().message()};
  }
  const Result<Verification> verification =
      options.unseen != nullptr ? verify_unseen(model.value(), {*options.unseen, run.threads, run.progress}, network)
                                : verify(model.value(), run, network.outputs, calibration.outputs);
  if (!verification.ok()) return verification.status();
  result.verification = verification.value();
  const Result<std::unique_ptr<Session>> session = Session::create(model.value(), {.threads = options.threads});
  if (!session.ok()) return session.status();
  const Result<std::uint64_t> digest = selftest_digest(*session.value());
  if (!digest.ok()) return digest.status();
  result.selftest_digest = digest.value();
  if (!(options.budget.milliseconds > 0)) return {};
  const Result<std::vector<double>> times =
      measure_latency({model.value()}, run.pictures, options.budget.isa, kLatencyRuns, run.progress);
  if (!times.ok()) return times.status();
  result.milliseconds = times.value()[0];
  return {};
}

}  // namespace

Result<Plan> choose_plan(const FloatNetwork& network, PictureSource& pictures, const ConvertOptions& options,
                         const Progress& progress) {
  const Result<MethodChoice> choice = method_of(options);
  if (!choice.ok()) return choice.status();
  const PictureRun run{pictures, options.threads, progress};
  Result<Preparation> preparation = prepare(network, run, options);
  if (!preparation.ok()) return preparation.status();
  Plan plan;
  if (Status status = choose(preparation.value(), run, options, choice.value(), plan); !status.ok()) return status;
  if (Status status = check_plan(network, plan); !status.ok()) return status;
  return plan;
}

Result<Conversion> convert(const FloatNetwork& network, PictureSource& pictures, const ConvertOptions& options,
                           const Progress& progress) {
  const Result<MethodChoice> choice = method_of(options);
  if (!choice.ok()) return choice.status();
  if (Status status = check_optimise(network, options); !status.ok()) return status;
  const PictureRun run{pictures, options.threads, progress};
  ConvertOptions chosen = options;
  if (Status status = resume_plan(chosen); !status.ok()) return status;
  Result<Preparation> prepared = prepare(network, run, chosen);
  if (!prepared.ok()) return prepared.status();
  Preparation& preparation = prepared.value();

  Conversion result;
  if (Status status = choose(preparation, run, chosen, choice.value(), result.plan); !status.ok()) return status;
  if (options.training != nullptr && !chosen.plan) {
    options.training->keep(TrainingState::kPlan, plan_to_json(result.plan));
  }
  // A given plan may fit no network.
  if (Status status = check_plan(network, result.plan); !status.ok()) return status;
  RoundedLayers rounded;
  if (options.feedback) {
    Result<RoundedLayers> layers = round_layers(preparation.network, run, options, result);
    if (!layers.ok()) return layers.status();
    rounded = layers.take();
  }
  round_the_rest(preparation.network, result.plan, options.threads, rounded);
  result.site_errors = measure_sites(network, preparation.calibration.statistics, result.plan);
  Result<EffectiveBits> bits = measure_effective_bits(preparation.network, result.plan, run);
  if (!bits.ok()) return bits.status();
  result.effective_bits = bits.take();
  if (options.sensitivity_pictures > 0) {
    Result<Sensitivity> sensitivity =
        measure_sensitivity(preparation.network, result.plan, rounded, run, options.sensitivity_pictures);
    if (!sensitivity.ok()) return sensitivity.status();
    result.sensitivity = sensitivity.take();
  }
  if (options.report_pictures > 0) {
    Result<Distributions> distributions =
        measure_distributions(preparation.network, result.plan, rounded, run, options.report_pictures);
    if (!distributions.ok()) return distributions.status();
    result.distributions = distributions.take();
  }
  progress("lowering", 0, 1);
  const Result<LoweredModel> lowered = lower(preparation.network, result.plan, std::move(rounded));
  if (!lowered.ok()) return lowered.status();

  result.metadata = describe(options, preparation, pictures.count(), result);
  result.file = encode_model(lowered.value().program, result.metadata);
  if (Status status = check(network, preparation.calibration, run, options, result); !status.ok()) {
    return status;
  }
  add_figures(options, result);
  set_metadata(result.metadata, result.file);
  return result;
}

}  // namespace intvit
