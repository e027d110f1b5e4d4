#include "converter/lower/residual_stream.h"

#include <algorithm>
#include <cmath>

#include "kernels/gemm/tiles.h"

namespace intvit {
namespace {

// Room above the largest value seen in calibration; 16 bits can spare it.
constexpr double kHeadroom = 1.5;

double finest_step(const FloatNetwork& network, const Stream& stream, const Plan& plan) {
  double finest = 0;
  for (const TensorId id : stream.tensors) {
    const auto found = plan.residuals.find(network.at(id).name);
    if (found != plan.residuals.end() && (finest == 0 || found->second.step < finest)) finest = found->second.step;
  }
  return finest;
}

// The largest real value of one unit of a sum that becomes part of the stream, whose steps can be no finer: activations
// and weights of few bits make products that are coarser than 16 bits of stream would be.
double coarsest_product(const FloatNetwork& network, const Stream& stream, const Plan& plan,
                        const LinearLowering& linears) {
  double coarsest = 0;
  for (const TensorId id : stream.tensors) {
    const Node& node = network.node(network.producer(id));
    if (node.as<Linear>() == nullptr || network.at(node.inputs[0]).role != Role::linear_input) continue;
    const double scale = plan.activations.at(network.at(node.inputs[0]).name)[0].grid.scale;
    coarsest = std::max(coarsest, scale * linears.coarsest_scale(node.name));
  }
  return coarsest;
}

}  // namespace

double residual_unit(const FloatNetwork& network, const Stream& stream, const Plan& plan,
                     const LinearLowering& linears) {
  const double finest = finest_step(network, stream, plan);
  if (finest > 0) return finest / 2;
  const auto named = plan.magnitudes.find(network.at(stream.tensors.front()).name);
  const double magnitude = named == plan.magnitudes.end() ? plan.residual_magnitude : named->second;
  // What a linear layer writes may end at half of the range (nodes/linear.cc).
  const Node& first = network.node(network.producer(stream.tensors.front()));
  const double share = first.as<Linear>() != nullptr ? 0.5 : 1.0;
  return std::max(unit_of_values(magnitude) / share, least_unit(coarsest_product(network, stream, plan, linears)));
}

double unit_of_values(double magnitude) { return magnitude * kHeadroom / 32767; }

double least_unit(double sum_unit) { return sum_unit / 0.98; }

CoarseSteps coarse_steps(const Plan& plan, const Tensor& residual, double unit, ProgramBuilder& builder) {
  CoarseSteps steps;
  const auto found = plan.residuals.find(residual.name);
  if (found == plan.residuals.end()) return steps;
  const ResidualScheme& s = found->second;
  const auto columns = static_cast<std::size_t>(kernels::padded_columns(residual.columns));
  const int fine = static_cast<int>(std::lround(std::log2(s.step / unit)));
  std::vector<int> shifts(columns, fine);
  for (const int c : s.coarse_channels) shifts[static_cast<std::size_t>(c)] += s.coarse_shift;
  std::vector<std::int16_t> powers, units;
  for (const int shift : shifts) {
    powers.push_back(static_cast<std::int16_t>(shift == 0 ? 32767 : 1 << (15 - shift)));
    units.push_back(static_cast<std::int16_t>(1 << shift));
  }
  steps.power = builder.constant(residual.name + ".power", DataType::s16, powers);
  steps.unit = builder.constant(residual.name + ".unit", DataType::s16, units);
  steps.limit = (1u << (s.bits - 1)) - 1;
  return steps;
}

}  // namespace intvit
