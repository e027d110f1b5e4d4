#include "converter/quantizers/two_scaled_residual.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

#include "converter/float/layers.h"
#include "converter/float/parallel.h"
#include "converter/plan/simulate.h"

namespace intvit {
namespace {

constexpr int kBasesPerOctave = 4;

// Numbers of coarse channels that are tried.
constexpr int kCoarseCounts[] = {0, 1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48};

// How many halvings below the step that covers everything are tried: clipping the few for the many.
constexpr int kHalvings = 3;

}  // namespace

double layer_norm_error(const ResidualScheme& scheme, const std::vector<float>& rows, const FloatLayerNorm& norm,
                        double eps) {
  const int cols = static_cast<int>(norm.gamma.size()), count = static_cast<int>(rows.size()) / cols;
  std::vector<float> held = rows, exact(rows.size()), output(rows.size());
  simulate(scheme, held.data(), count, cols);
  layer_norm(norm, {eps}, rows.data(), count, cols, exact.data(), 1);
  layer_norm(norm, {eps}, held.data(), count, cols, output.data(), 1);
  double error = 0, power = 0;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const double difference = static_cast<double>(output[i]) - exact[i];
    error += difference * difference;
    power += static_cast<double>(exact[i]) * exact[i];
  }
  return power > 0 ? error / power : 0;
}

ResidualSearch::ResidualSearch(double largest, int bits, int threads) : bits_(bits), threads_(threads) {
  // The coarsest step that is possible covers the largest magnitude.
  const double least = std::max(largest, 1e-6) / ((1 << (bits - 1)) - 1) / std::ldexp(1.0, 15 - bits);
  for (int i = 0; i < kBasesPerOctave; ++i) bases_.push_back({least * std::exp2(i / double{kBasesPerOctave}), 0, {}});
}

void ResidualSearch::add(const std::string& name, const std::vector<double>& magnitudes, const std::vector<float>& rows,
                         const FloatLayerNorm& norm, double eps) {
  const auto channels = norm.gamma.size();
  const int finest_shifts = 15 - bits_;  // above the base
  const double highest = (1 << (bits_ - 1)) - 1;
  std::vector<int> widest(channels);
  std::iota(widest.begin(), widest.end(), 0);
  std::stable_sort(widest.begin(), widest.end(), [&](int a, int b) {
    return magnitudes[static_cast<std::size_t>(a)] > magnitudes[static_cast<std::size_t>(b)];
  });
  const auto magnitude = [&](std::size_t rank) { return magnitudes[static_cast<std::size_t>(widest[rank])]; };

  parallel_for(threads_, static_cast<int>(bases_.size()), [&](int task) {
    Base& base = bases_[static_cast<std::size_t>(task)];
    // Halvings of the base that are needed to hold a magnitude without clipping.
    const auto covering = [&](double largest) {
      return largest > 0 ? static_cast<int>(std::ceil(std::log2(largest / (highest * base.step)))) : 0;
    };
    ResidualScheme best;
    double least = -1;
    std::set<std::tuple<int, int, std::size_t>> seen;
    for (const int count : kCoarseCounts) {
      const auto coarse = static_cast<std::size_t>(count);
      if (coarse >= channels) break;
      const int fine_top = covering(magnitude(coarse)), coarse_top = covering(magnitude(0));
      for (int fine = fine_top - kHalvings; fine <= fine_top; ++fine) {
        for (int top = coarse == 0 ? fine : coarse_top - kHalvings; top <= (coarse == 0 ? fine : coarse_top); ++top) {
          const int exponent = std::clamp(fine, 0, finest_shifts);
          const int shift = std::clamp(top - exponent, 0, finest_shifts - exponent);
          if (!seen.insert({exponent, shift, shift == 0 ? 0 : coarse}).second) continue;
          ResidualScheme scheme{bits_, std::ldexp(base.step, exponent), shift, {}};
          if (shift > 0) {
            scheme.coarse_channels.assign(widest.begin(), widest.begin() + count);
            std::sort(scheme.coarse_channels.begin(), scheme.coarse_channels.end());
          }
          const double error = layer_norm_error(scheme, rows, norm, eps);
          if (least >= 0 && error >= least) continue;
          least = error;
          best = scheme;
        }
      }
    }
    base.error += least;
    base.schemes[name] = best;
  });
}

std::map<std::string, ResidualScheme> ResidualSearch::best() const {
  return std::min_element(bases_.begin(), bases_.end(), [](const Base& a, const Base& b) { return a.error < b.error; })
      ->schemes;
}

}  // namespace intvit
