#include "converter/errors/site_distribution.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "converter/float/forward.h"
#include "converter/plan/simulate.h"

namespace intvit {
namespace {

struct SignalAndNoise {
  double signal = 0, noise = 0;

  void add(const float* exact, const float* changed, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      const double difference = static_cast<double>(changed[i]) - exact[i];
      signal += static_cast<double>(exact[i]) * exact[i];
      noise += difference * difference;
    }
  }
  double db() const {
    if (!(noise > 0)) return kNoErrorDb;
    return signal > 0 ? 10 * std::log10(signal / noise) : 0;
  }
};

// Whether a value is held beside the codes of few bits.
bool is_aside(double x, const ActivationScheme& scheme) {
  if (scheme.kind != CodeKind::uniform) return scheme.outlier > 0 && std::abs(x) > scheme.outlier;
  const double half = scheme.grid.scale / 2;
  return scheme.side > 0 && (x < scheme.grid.lowest() - half || x > scheme.grid.highest() + half);
}

struct SiteSums {
  SiteDistribution result;
  SignalAndNoise own, accumulated;
  std::size_t aside = 0, values = 0;
};

using SiteMap = std::map<TensorId, SiteSums>;

// In the float network: every quantizer on a copy of its values.
class OwnErrors : public Observer {
 public:
  OwnErrors(const FloatNetwork& network, const Plan& plan, int threads, SiteMap& sites)
      : simulator_(network, plan, threads), network_(network), plan_(plan), sites_(sites) {}

  void on_activation(TensorId id, float* data, int rows, int columns) override {
    const auto found = sites_.find(id);
    if (found == sites_.end()) return;
    SiteSums& sums = found->second;
    const std::size_t count = static_cast<std::size_t>(rows) * static_cast<std::size_t>(columns);
    std::vector<float>& exact = kept[id];
    exact.assign(data, data + count);
    changed_ = exact;
    simulator_.on_activation(id, changed_.data(), rows, columns);
    sums.own.add(exact.data(), changed_.data(), count);
    sums.result.before.add(exact.data(), count);
    sums.result.after.add(changed_.data(), count);
    sums.values += count;
    if (const auto schemes = plan_.activations.find(network_.at(id).name); schemes != plan_.activations.end()) {
      const auto part = static_cast<std::size_t>(columns) / schemes->second.size();
      for (std::size_t i = 0; i < count; ++i) {
        sums.aside += is_aside(exact[i], schemes->second[i % static_cast<std::size_t>(columns) / part]);
      }
    }
  }

  std::map<TensorId, std::vector<float>> kept;  // the float network's values of the segment

 private:
  PlanSimulator simulator_;
  const FloatNetwork& network_;
  const Plan& plan_;
  SiteMap& sites_;
  std::vector<float> changed_;
};

// In the quantized network, against the values of the float one.
class AccumulatedErrors : public Observer {
 public:
  AccumulatedErrors(const FloatNetwork& network, const Plan& plan, int threads, SiteMap& sites, const OwnErrors& own)
      : simulator_(network, plan, threads), sites_(sites), own_(own) {}

  void on_activation(TensorId id, float* data, int rows, int columns) override {
    simulator_.on_activation(id, data, rows, columns);
    const auto exact = own_.kept.find(id);
    if (exact != own_.kept.end()) sites_.at(id).accumulated.add(exact->second.data(), data, exact->second.size());
  }

 private:
  PlanSimulator simulator_;
  SiteMap& sites_;
  const OwnErrors& own_;
};

void run_one_segment(FloatForward& forward, int segment, const std::uint8_t* pixels, SegmentState& state,
                     Observer& observer) {
  if (segment == 0) {
    forward.run_from_picture(1, pixels, state, &observer);
  } else {
    forward.run_segment(segment, state, &observer);
  }
}

// The weights of `network` become what their integers stand for.
std::vector<WeightError> put_integers(const RoundedLayers& rounded, FloatNetwork& network) {
  std::vector<WeightError> errors;
  for (Node& node : network.nodes) {
    const auto integers = rounded.find(node.name);
    if (node.weights() == nullptr || integers == rounded.end()) continue;
    FloatLinear changed = dequantized(network, node, integers->second);
    SignalAndNoise sums;
    sums.add(node.weights()->weight.data(), changed.weight.data(), changed.weight.size());
    errors.push_back({node.name, sums.db()});
    *node.weights() = std::move(changed);
  }
  return errors;
}

bool has_quantizer(const Plan& plan, const Tensor& tensor) {
  return plan.activations.contains(tensor.name) || plan.softmax.contains(tensor.name) ||
         plan.residuals.contains(tensor.name);
}

}  // namespace

Result<Distributions> measure_distributions(const FloatNetwork& network, const Plan& given,
                                            const RoundedLayers& rounded, const PictureRun& run, int count) {
  Plan plan = given;
  Distributions result;
  result.pictures = std::min(count, run.pictures.count());
  FloatNetwork quantized = network;
  result.layers = put_integers(rounded, quantized);
  SiteMap sites;
  std::vector<TensorId> order;
  for (const Node& node : network.nodes) {
    for (const TensorId id : node.outputs) {
      const Tensor& tensor = network.at(id);
      // What the runtime does where a plan says nothing.
      if (tensor.role == Role::probabilities) plan.softmax.try_emplace(tensor.name);
      if (!has_quantizer(plan, tensor)) continue;
      SiteSums& sums = sites[id];
      sums.result.site = tensor.name;
      sums.result.role = tensor.role;
      order.push_back(id);
    }
  }
  const Preprocessing& input = network.preprocessing;
  std::vector<std::uint8_t> pixels(static_cast<std::size_t>(input.height) * static_cast<std::size_t>(input.width) * 3);
  FloatForward exact(network, run.threads), changed(quantized, run.threads);
  for (int i = 0; i < result.pictures; ++i) {
    run.progress("measuring the report's figures", i, result.pictures);
    if (Status status = run.pictures.read(i, pixels.data()); !status.ok()) return status;
    SegmentState exact_state, changed_state;
    for (int s = 0; s < network.segment_count(); ++s) {
      OwnErrors own(network, plan, run.threads, sites);
      run_one_segment(exact, s, pixels.data(), exact_state, own);
      AccumulatedErrors accumulated(quantized, plan, run.threads, sites, own);
      run_one_segment(changed, s, pixels.data(), changed_state, accumulated);
    }
  }
  run.progress("measuring the report's figures", result.pictures, result.pictures);
  for (const TensorId id : order) {
    SiteSums& sums = sites.at(id);
    sums.result.own_db = sums.own.db();
    sums.result.accumulated_db = sums.accumulated.db();
    sums.result.aside_share =
        static_cast<double>(sums.aside) / static_cast<double>(std::max<std::size_t>(sums.values, 1));
    result.sites.push_back(std::move(sums.result));
  }
  return result;
}

}  // namespace intvit
