// tsptq: TSPTQ-ViT (Tai et al., ICASSP 2023), which quantizes everything: two step sizes by value for softmax and GELU
// outputs (V-2SF), two step sizes by channel for the residual stream in front of every LayerNorm (O-2SF); clipping by
// output error elsewhere. The parameters are those with the least error behind the next operation.
#include "converter/errors/attention_error.h"
#include "converter/errors/channel_error.h"
#include "converter/errors/sample_rows.h"
#include "converter/methods/output_error.h"
#include "converter/methods/uniform.h"
#include "converter/methods/value_bits.h"
#include "converter/quantizers/table.h"
#include "converter/quantizers/two_scaled.h"
#include "converter/quantizers/two_scaled_residual.h"

namespace intvit {
namespace {

constexpr int kMostShift = 8;
constexpr int kResidualRows = 256;

// Largest values of GELU that are tried, as shares of the largest that was seen.
constexpr double kShares[] = {1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3};

std::vector<ActivationScheme> activation_candidates(double largest, int bits, int value_bits) {
  std::vector<ActivationScheme> candidates;
  for (const double share : kShares) {
    for (int shift = 0; shift <= std::min(kMostShift, bits); ++shift) {
      candidates.push_back(table_scheme(two_scaled_activations(share * largest, shift, bits), bits, value_bits));
    }
  }
  return candidates;
}

// The rows of the last residual that the classifier reads: with token pooling only the first few of every picture.
std::vector<float> classified_rows(const VitDescription& vit, const SiteSamples& stream, int tokens_read) {
  if (vit.pooling != Pooling::token) return sample_rows(stream, kResidualRows);
  std::vector<float> rows;
  for (const std::vector<float>& picture : stream.pictures) {
    rows.insert(rows.end(), picture.begin(), picture.begin() + static_cast<std::ptrdiff_t>(tokens_read) * stream.cols);
  }
  return rows;
}

}  // namespace

Result<Plan> plan_tsptq(const MethodInput& input) {
  const FloatNetwork& network = input.network;
  const VitDescription& vit = network.description;
  const int bits = input.activation_bits, table_bits = value_bits(input);
  Plan plan = uniform_plan(input, WeightRange::mse,
                           [](const Histogram& histogram, int width) { return percentile_scheme(histogram, width); });
  std::vector<TableScheme> probabilities;
  for (int shift = 0; shift <= kMostShift; ++shift) probabilities.push_back(two_scaled_probabilities(shift, bits));
  SoftmaxScheme softmax;
  softmax.codes = SoftmaxCodes::absolute;
  softmax.bits = bits;
  softmax.value_bits = table_bits;
  ResidualSearch residuals(plan.residual_magnitude, static_cast<int>(input.knobs.get("residual_bits")),
                           vit.layer_norm_eps, input.threads);
  const Status status =
      for_each_block(network, input.pictures, input.threads, input.progress, [&](const BlockSamples& samples) {
        const int b = samples.block;
        const FloatBlock& block = network.blocks[static_cast<std::size_t>(b)];
        choose_by_output_error(input, samples, plan);
        const AttentionError attention(samples.at(Site::post_softmax), samples.at(Site::value),
                                       plan.activations.at(site_name(Site::value, b)), column_powers(block.proj),
                                       input.threads);
        plan.softmax[site_name(Site::post_softmax, b)] = attention.choose(softmax, probabilities, false, false);
        const double largest = input.statistics.magnitude(Site::fc2_input, b);
        if (largest > 0) {
          const ChannelError error(samples.at(Site::fc2_input), 0, column_powers(block.fc2), false);
          plan.activations[site_name(Site::fc2_input, b)] = {
              error.choose(activation_candidates(largest, bits, table_bits), input.threads)};
        }
        residuals.add(site_name(Site::residual, b - 1), channel_magnitudes(samples.input),
                      sample_rows(samples.input, kResidualRows), block.norm1);
        residuals.add(site_name(Site::residual_middle, b), channel_magnitudes(samples.at(Site::residual_middle)),
                      sample_rows(samples.at(Site::residual_middle), kResidualRows), block.norm2);
        if (b == vit.depth - 1) {
          residuals.add(site_name(Site::residual, b), channel_magnitudes(samples.at(Site::residual)),
                        classified_rows(vit, samples.at(Site::residual), std::max(1, network.head.in / vit.embed_dim)),
                        network.norm);
        }
      });
  if (!status.ok()) return status;
  plan.residuals = residuals.best();
  return plan;
}

}  // namespace intvit
