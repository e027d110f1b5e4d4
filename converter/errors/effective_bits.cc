#include "converter/errors/effective_bits.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <vector>

#include "converter/float/for_each_in_order.h"
#include "converter/float/forward.h"

namespace intvit {
namespace {

bool has_aside(const ActivationScheme& scheme) { return scheme.outlier > 0 || scheme.side > 0; }

const ActivationSchemes* schemes_of(const Tensor& tensor, const Plan& plan) {
  const auto found = plan.activations.find(tensor.name);
  return has_codes(tensor.role) && found != plan.activations.end() ? &found->second : nullptr;
}

// Values aside in tensors that can have such, by TensorId.
class CountAside : public Observer {
 public:
  CountAside(const FloatNetwork& network, const Plan& plan)
      : network_(network), plan_(plan), counts_(network.tensors.size(), 0) {}

  void on_activation(TensorId id, float* data, int rows, int columns) override {
    const ActivationSchemes* schemes = schemes_of(network_.at(id), plan_);
    if (schemes == nullptr || !has_aside(schemes->front())) return;
    const ActivationScheme& scheme = schemes->front();
    const auto count = static_cast<std::ptrdiff_t>(rows) * columns;
    counts_[static_cast<std::size_t>(id)] += std::count_if(data, data + count, [&](float x) {
      return scheme.outlier > 0 ? std::abs(x) > scheme.outlier : x < scheme.grid.lowest() || x > scheme.grid.highest();
    });
  }
  const std::vector<std::int64_t>& counts() const { return counts_; }

 private:
  const FloatNetwork& network_;
  const Plan& plan_;
  std::vector<std::int64_t> counts_;
};

// Of all tensors, over the first `pictures`.
Result<std::vector<std::int64_t>> count_aside(const FloatNetwork& network, const Plan& plan, const PictureRun& run,
                                              int pictures) {
  const Preprocessing& input = network.preprocessing;
  const std::size_t bytes = static_cast<std::size_t>(input.height) * static_cast<std::size_t>(input.width) * 3;
  const auto make_worker = [&](int, int shared_by) {
    return [&, forward = FloatForward(network, shared_by),
            pixels = std::vector<std::uint8_t>(bytes)](int i) mutable -> Result<std::vector<std::int64_t>> {
      if (Status status = run.pictures.read(i, pixels.data()); !status.ok()) return status;
      CountAside count(network, plan);
      forward.run(pixels.data(), &count);
      return count.counts();
    };
  };
  std::vector<std::int64_t> sums(network.tensors.size(), 0);
  const auto add = [&](int, const Result<std::vector<std::int64_t>>& counts) -> Status {
    if (!counts.ok()) return counts.status();
    for (std::size_t t = 0; t < sums.size(); ++t) sums[t] += counts.value()[t];
    return {};
  };
  if (Status status = for_each_in_order(pictures, run.threads, make_worker, add); !status.ok()) return status;
  return sums;
}

}  // namespace

double effective_bits(const ActivationScheme& scheme, double share, int columns) {
  const int value = scheme.grid.bits > 8 || scheme.side > 0 ? 16 : 8;
  const int index = std::bit_width(static_cast<unsigned>(std::max(1, columns)) - 1);
  return (1 - share) * scheme.bits + share * (value + index);
}

Result<EffectiveBits> measure_effective_bits(const FloatNetwork& network, const Plan& plan, const PictureRun& run) {
  const bool any = std::any_of(plan.activations.begin(), plan.activations.end(),
                               [](const auto& site) { return has_aside(site.second.front()); });
  const int pictures = any ? std::min(kEffectivePictures, run.pictures.count()) : 0;
  const Result<std::vector<std::int64_t>> counts = count_aside(network, plan, run, pictures);
  if (!counts.ok()) return counts.status();
  EffectiveBits result;
  double bits = 0, values = 0;
  for (std::size_t t = 0; t < network.tensors.size(); ++t) {
    const Tensor& tensor = network.tensors[t];
    const ActivationSchemes* schemes = schemes_of(tensor, plan);
    if (schemes == nullptr) continue;
    const double own = static_cast<double>(tensor.rows) * tensor.columns;
    double share = 0;
    if (has_aside(schemes->front())) {
      share = static_cast<double>(counts.value()[t]) / (own * std::max(1, pictures));
      result.aside[tensor.name] = share;
    }
    bits += own * effective_bits(schemes->front(), share, tensor.columns);
    values += own;
  }
  if (values > 0) result.activations = bits / values;
  return result;
}

}  // namespace intvit
