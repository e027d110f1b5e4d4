// Networks on which methods search, with all that their searches begin with.
#pragma once

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "converter/families/vit/random_vit.h"
#include "converter/methods/method.h"
#include "converter/observe/calibrate.h"
#include "tests/converter/small_network.h"

namespace intvit {

inline constexpr int kSearchedPictures = 4, kBits = 4, kHeads = 3;
inline constexpr double kMethodRounding = 1 + 1e-4;  // of errors that are summed in another order

// Attention that looks at few tokens in the second block, and at all of them in the first.
inline FloatNetwork searched_network() {
  FloatNetwork network = random_network(small_vit(), 51);
  FloatLinear& qkv = linear_of(network, "blocks.1.attn.qkv");
  const auto channels = static_cast<std::size_t>(qkv.in);
  for (std::size_t i = 0; i < channels * channels; ++i) qkv.weight[i] *= 4;
  norm_of(network, "blocks.0.norm1").gamma[7] *= 8;
  norm_of(network, "blocks.1.norm2").gamma[9] *= 8;
  return network;
}

// Every token has its own large channel, the larger the later it comes: what else it holds is then the smaller.
inline FloatNetwork network_of_uneven_tokens() {
  FloatNetwork network = random_network(small_vit(), 52);
  const VitDescription vit = small_vit();
  const auto channels = static_cast<std::size_t>(vit.embed_dim);
  for (std::size_t t = 0; t < static_cast<std::size_t>(vit.tokens()); ++t) {
    token_init_of(network)[t * channels + 2 * t] += 2 * static_cast<float>(t);
  }
  return network;
}

inline Histogram histogram_of(const TensorSamples& samples) {
  Histogram histogram;
  for (const std::vector<float>& picture : samples.pictures) histogram.add(picture.data(), picture.size());
  return histogram;
}

struct Searched {
  FloatNetwork network;
  SyntheticPictures pictures{kSearchedPictures, 32, 40, 61};
  CalibrationStatistics statistics{network};
  std::vector<SegmentSamples> blocks;

  explicit Searched(FloatNetwork made = searched_network()) : network(std::move(made)) {
    Result<Calibration> calibration = calibrate(network, {pictures, 1, kSilent});
    REQUIRE(calibration.ok());
    statistics = std::move(calibration.take().statistics);
    REQUIRE(
        for_each_segment(network, {pictures, 1, kSilent}, [&](const SegmentSamples& s) { blocks.push_back(s); }).ok());
  }

  Plan plan(const char* name, const std::vector<std::string>& settings = {}, int bits = kBits) {
    const Result<Method> method = find_method(name);
    REQUIRE(method.ok());
    const Knobs knobs = Knobs::with(name, settings).take();
    Result<Plan> plan = make_plan(method.value(), {network, statistics, bits, bits, {pictures, 1, kSilent}, knobs});
    REQUIRE(plan.ok());
    return plan.take();
  }

  // Of a block, e.g. `attn.query` or `mlp.fc1`.
  std::string name(const SegmentSamples& samples, const std::string& part) const {
    return network.segment(samples.segment).name + "." + part;
  }
  const TensorSamples& at(const SegmentSamples& samples, const std::string& part) const {
    return samples.at(tensor_of(network, name(samples, part)));
  }
  const FloatLinear& layer(const SegmentSamples& samples, const std::string& part) const {
    return linear_of(network, name(samples, part));
  }
};

inline const Equalisation* equalisation_at(const Plan& plan, const std::string& name) {
  const auto found = plan.equalisations.find(name);
  return found == plan.equalisations.end() ? nullptr : &found->second;
}

inline SoftmaxScheme with_table(SoftmaxScheme scheme, const TableScheme& table) {
  scheme.tables = {table};
  return scheme;
}

}  // namespace intvit
