#include "converter/lower/residual_stream.h"

#include <cmath>

#include "kernels/gemm/tiles.h"

namespace intvit {
namespace {

// Room above the largest residual seen in calibration; 16 bits can spare it.
constexpr double kResidualHeadroom = 1.5;

}  // namespace

double residual_unit(const Plan& plan) {
  double finest = 0;
  for (const auto& [site, scheme] : plan.residuals) {
    if (finest == 0 || scheme.step < finest) finest = scheme.step;
  }
  if (finest > 0) return finest / 2;
  return plan.residual_magnitude * kResidualHeadroom / 32767;
}

CoarseSteps coarse_steps(const Plan& plan, const std::string& site, double unit, int channels,
                         ProgramBuilder& builder) {
  CoarseSteps steps;
  const auto found = plan.residuals.find(site);
  if (found == plan.residuals.end()) return steps;
  const ResidualScheme& s = found->second;
  const auto columns = static_cast<std::size_t>(kernels::padded_columns(channels));
  const int fine = static_cast<int>(std::lround(std::log2(s.step / unit)));
  std::vector<int> shifts(columns, fine);
  for (const int c : s.coarse_channels) shifts[static_cast<std::size_t>(c)] += s.coarse_shift;
  std::vector<std::int16_t> powers, units;
  for (const int shift : shifts) {
    powers.push_back(static_cast<std::int16_t>(shift == 0 ? 32767 : 1 << (15 - shift)));
    units.push_back(static_cast<std::int16_t>(1 << shift));
  }
  steps.power = builder.constant(site + ".power", DataType::s16, powers);
  steps.unit = builder.constant(site + ".unit", DataType::s16, units);
  steps.limit = (1u << (s.bits - 1)) - 1;
  return steps;
}

}  // namespace intvit
