#include "converter/methods/auto/format_costs.h"

#include <memory>

#include "converter/equalise/fold.h"
#include "converter/lower/lower.h"
#include "converter/methods/auto/latency.h"
#include "converter/methods/auto/without_other_segments.h"
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

// The name without that of its segment, so that segments have it in common, with the shape of what it is of.
std::string place_of(const FloatNetwork& network, const Contest& contest) {
  const std::string& segment = network.segment(contest.segment).name;
  std::string place = contest.name.starts_with(segment) ? contest.name.substr(segment.size()) : contest.name;
  const auto add = [&](int size) { place += " " + std::to_string(size); };
  const TensorId id = network.find(contest.name);
  const Node* node = id < 0 ? &network.node(network.find_node(contest.name)) : nullptr;
  const Tensor& tensor = network.at(node == nullptr ? id : node->inputs[0]);
  add(tensor.rows);
  add(tensor.columns);
  if (node != nullptr) add(node->weights()->out);
  return place;
}

// Everything that a lowered network's time may depend on.
std::string kind_of(const FloatNetwork& network, const Contest& contest, const Candidate& candidate) {
  std::string kind = place_of(network, contest);
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

double megabytes(const Model& model) { return static_cast<double>(model.file_bytes()) / 1e6; }

}  // namespace

Result<FormatCosts> FormatCosts::measure(const FloatNetwork& network, const Plan& plain,
                                         const std::vector<Contest>& contests, PictureSource& pictures, Isa isa,
                                         const Progress& progress) {
  struct Pair {
    std::size_t with, without;  // the candidate; indices of models
  };
  std::map<std::string, Pair> pairs;     // by kind
  std::map<int, std::size_t> plain_one;  // by segment
  std::vector<std::shared_ptr<const Model>> models;
  const auto add = [&](const Plan& plan, int segment) {
    Result<std::shared_ptr<const Model>> model = built(without_other_segments(network, segment), plan);
    if (model.ok()) models.push_back(model.value());
    return model.status();
  };
  for (const Contest& contest : contests) {
    for (const Candidate& candidate : contest.candidates) {
      const std::string kind = kind_of(network, contest, candidate);
      if (pairs.contains(kind)) continue;
      if (!plain_one.contains(contest.segment)) {
        if (Status status = add(plain, contest.segment); !status.ok()) return status;
        plain_one[contest.segment] = models.size() - 1;
      }
      Plan plan = plain;
      put(contest, candidate, plan);
      if (Status status = add(plan, contest.segment); !status.ok()) return status;
      pairs[kind] = {models.size() - 1, plain_one.at(contest.segment)};
    }
  }
  const Result<std::vector<double>> times = measure_latency(models, pictures, isa, kRuns, progress);
  if (!times.ok()) return times.status();
  FormatCosts result(network);
  for (const auto& [kind, pair] : pairs) {
    result.costs_[kind] = {times.value()[pair.with] - times.value()[pair.without],
                           megabytes(*models[pair.with]) - megabytes(*models[pair.without])};
  }
  return result;
}

const Costs& FormatCosts::of(const Contest& contest, const Candidate& candidate) const {
  return costs_.at(kind_of(*network_, contest, candidate));
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
