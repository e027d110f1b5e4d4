#include "converter/methods/auto/format_costs.h"

#include <memory>
#include <optional>

#include "converter/equalise/fold.h"
#include "converter/lower/lower.h"
#include "converter/methods/auto/latency.h"
#include "engine/format/writer.h"

namespace intvit {
namespace {

constexpr int kRuns = 60;

Result<std::shared_ptr<const Model>> built(FloatNetwork network, const Plan& plan) {
  if (Status status = equalise(plan.equalisations, network); !status.ok()) return status;
  const Result<LoweredModel> lowered = lower(network, plan);
  if (!lowered.ok()) return lowered.status();
  return Model::from_memory(encode_model(lowered.value().program, {}), "model for measuring costs");
}

// The name that a site or layer of this block has in a network of this block alone; nothing for those of others.
std::optional<std::string> alone(const std::string& name, int block) {
  if (!name.starts_with("blocks.")) return name;
  const std::string prefix = "blocks." + std::to_string(block) + ".";
  if (!name.starts_with(prefix)) return std::nullopt;
  return "blocks.0." + name.substr(prefix.size());
}

// Everything that a lowered network's time may depend on.
std::string kind_of(const Contest& contest, const Candidate& candidate) {
  std::string kind = *alone(contest.name, contest.block);
  const auto add = [&](const std::string& what, int value) { kind += " " + what + " " + std::to_string(value); };
  if (const auto* activation = std::get_if<ActivationScheme>(&candidate.scheme)) {
    add("codes", static_cast<int>(activation->kind));
    add("planes", activation->grid.bits > 8 ? 2 : 1);
    add("outliers", activation->outlier > 0);
    if (activation->kind == CodeKind::channel_groups) add("groups", static_cast<int>(activation->parts.size()));
  } else if (const auto* softmax = std::get_if<SoftmaxScheme>(&candidate.scheme)) {
    add("codes", static_cast<int>(softmax->codes));
    add("planes", softmax->value_bits > 8 ? 2 : 1);
    add("groups", static_cast<int>(softmax->bounds.size()));
    if (!softmax->tables.empty()) add("levels", static_cast<int>(softmax->tables[0].levels.size()));
  } else {
    add("bits", std::get<WeightScheme>(candidate.scheme).bits);
  }
  return kind;
}

// One block of the network as a network of its own, which shares the others' frame.
class OneBlock {
 public:
  explicit OneBlock(const FloatNetwork& network) : network_(network) {
    frame_.description = network.description;
    frame_.description.depth = 1;
    frame_.patch_embed = network.patch_embed;
    frame_.token_init = network.token_init;
    frame_.norm = network.norm;
    frame_.head = network.head;
  }

  Result<std::shared_ptr<const Model>> operator()(const Plan& plan, int block) const {
    FloatNetwork one = frame_;
    one.blocks = {network_.blocks[static_cast<std::size_t>(block)]};
    Plan its;
    its.residual_magnitude = plan.residual_magnitude;
    const auto take = [&](const auto& from, auto& to) {
      for (const auto& [name, value] : from) {
        if (const auto renamed = alone(name, block)) to[*renamed] = value;
      }
    };
    take(plan.activations, its.activations);
    take(plan.softmax, its.softmax);
    take(plan.equalisations, its.equalisations);
    take(plan.weights, its.weights);
    take(plan.magnitudes, its.magnitudes);
    return built(std::move(one), its);
  }

 private:
  const FloatNetwork& network_;
  FloatNetwork frame_;
};

double megabytes(const Model& model) { return static_cast<double>(model.file_bytes()) / 1e6; }

}  // namespace

Result<FormatCosts> FormatCosts::measure(const FloatNetwork& network, const Plan& plain,
                                         const std::vector<Contest>& contests, PictureSource& pictures, Isa isa,
                                         const Progress& progress) {
  const OneBlock one_block(network);
  std::map<std::string, std::size_t> index;  // of its model, by kind
  std::vector<std::shared_ptr<const Model>> models;
  const auto add = [&](const Plan& plan, int block) {
    Result<std::shared_ptr<const Model>> model = one_block(plan, block);
    if (model.ok()) models.push_back(model.value());
    return model.status();
  };
  if (Status status = add(plain, 0); !status.ok()) return status;
  for (const Contest& contest : contests) {
    for (const Candidate& candidate : contest.candidates) {
      const std::string kind = kind_of(contest, candidate);
      if (index.contains(kind)) continue;
      Plan plan = plain;
      put(contest, candidate, plan);
      if (Status status = add(plan, contest.block); !status.ok()) return status;
      index[kind] = models.size() - 1;
    }
  }
  const Result<std::vector<double>> times = measure_latency(models, pictures, isa, kRuns, progress);
  if (!times.ok()) return times.status();
  FormatCosts result;
  for (const auto& [kind, i] : index) {
    result.costs_[kind] = {times.value()[i] - times.value()[0], megabytes(*models[i]) - megabytes(*models[0])};
  }
  return result;
}

const Costs& FormatCosts::of(const Contest& contest, const Candidate& candidate) const {
  return costs_.at(kind_of(contest, candidate));
}

Result<Costs> measure_costs(const FloatNetwork& network, const Plan& plan, PictureSource& pictures, Isa isa,
                            const Progress& progress) {
  const Result<std::shared_ptr<const Model>> model = built(network, plan);
  if (!model.ok()) return model.status();
  const Result<std::vector<double>> times = measure_latency({model.value()}, pictures, isa, kRuns, progress);
  if (!times.ok()) return times.status();
  return Costs{times.value()[0], megabytes(*model.value())};
}

}  // namespace intvit
