// tsptq: TSPTQ-ViT (Tai et al., ICASSP 2023), which quantizes everything: two step sizes by value for softmax and GELU
// outputs (V-2SF), two step sizes by channel for the residual stream in front of every LayerNorm (O-2SF); clipping by
// output error elsewhere. The parameters are those with the least error behind the next operation.
#include "converter/errors/sample_rows.h"
#include "converter/methods/sampled_block.h"
#include "converter/methods/uniform.h"
#include "converter/methods/value_bits.h"
#include "converter/quantizers/choose_activation.h"
#include "converter/quantizers/choose_softmax.h"
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

class Tsptq : public Planner {
 public:
  explicit Tsptq(const MethodInput& input)
      : Planner(input, percentile_plan(input)),
        residuals_(plan_.residual_magnitude, static_cast<int>(input.knobs.get("residual_bits")),
                   input.network.description.layer_norm_eps, input.run.threads) {
    for (int shift = 0; shift <= kMostShift; ++shift) {
      probabilities_.push_back(two_scaled_probabilities(shift, input.activation_bits));
    }
  }

  void see(SampledBlock& block) override {
    block.put_clipped(plan_);
    plan_.softmax[block.name(Site::post_softmax)] =
        choose(block.attention_error(), softmax_codes(input_, SoftmaxKind::absolute), probabilities_, false, false,
               input_.run.threads);
    const double largest = input_.statistics.magnitude(Site::fc2_input, block.index);
    if (largest > 0) {
      const ChannelError error(block.at(Site::fc2_input), 0, column_powers(block.layers.fc2), false);
      plan_.activations[block.name(Site::fc2_input)] = {choose(
          error, activation_candidates(largest, input_.activation_bits, value_bits(input_)), input_.run.threads)};
    }
    see_stream(block);
  }

  Status finish() override {
    plan_.residuals = residuals_.best();
    return {};
  }

 private:
  void see_stream(const SampledBlock& block) {
    const auto add = [&](const std::string& name, const SiteSamples& stream, const FloatLayerNorm& norm) {
      residuals_.add(name, channel_magnitudes(stream), sample_rows(stream, kResidualRows), norm);
    };
    add(site_name(Site::residual, block.index - 1), block.samples.input, block.layers.norm1);
    add(block.name(Site::residual_middle), block.at(Site::residual_middle), block.layers.norm2);
    const FloatNetwork& network = input_.network;
    const VitDescription& vit = network.description;
    if (block.index != vit.depth - 1) return;
    const SiteSamples& last = block.at(Site::residual);
    residuals_.add(block.name(Site::residual), channel_magnitudes(last),
                   classified_rows(vit, last, std::max(1, network.head.in / vit.embed_dim)), network.norm);
  }

  ResidualSearch residuals_;
  std::vector<TableScheme> probabilities_;
};

}  // namespace

std::unique_ptr<Planner> start_tsptq(const MethodInput& input) { return std::make_unique<Tsptq>(input); }

}  // namespace intvit
