#include "converter/methods/auto/collect_candidates.h"

#include <algorithm>
#include <string>

#include "converter/errors/attention_error.h"
#include "converter/errors/channel_error.h"
#include "converter/errors/layer_error.h"
#include "converter/errors/module_error.h"
#include "converter/float/parallel.h"
#include "converter/quantizers/least_square_levels.h"
#include "converter/quantizers/logarithmic.h"
#include "converter/quantizers/table.h"
#include "converter/quantizers/tanq.h"

namespace intvit {
namespace {

// Pictures on which formats are compared.
constexpr int kPictures = 8;

constexpr int kFewestWeightBits = 4;

const Equalisation* before(const PlaceOption& option) {
  return option.equalisation.scale.empty() ? nullptr : &option.equalisation;
}

// What the option's codes are of, on the pictures that count.
std::vector<float> values(const SiteSamples& samples, const PlaceOption& option) {
  std::vector<float> all;
  for (std::size_t p = 0; p < samples.pictures.size() && p < kPictures; ++p) {
    const std::vector<float>& exact = samples.pictures[p];
    const std::vector<float> held = before(option) == nullptr ? exact : equalised(exact, option.equalisation);
    all.insert(all.end(), held.begin(), held.end());
  }
  return all;
}

class Collector {
 public:
  Collector(const MethodInput& input, const Contest& contest) : input_(input), contest_(contest) {}

  Result<std::vector<Place>> run() {
    const Status status =
        for_each_block(input_.network, input_.pictures, input_.threads, input_.progress, [&](const BlockSamples& b) {
          const FloatBlock& block = input_.network.blocks[static_cast<std::size_t>(b.block)];
          collect(b, Site::qkv_input, Layer::qkv, block.qkv);
          collect(b, Site::attention_output, Layer::proj, block.proj);
          collect(b, Site::fc1_input, Layer::fc1, block.fc1);
          collect(b, Site::fc2_input, Layer::fc2, block.fc2);
          collect_softmax(b, block.proj);
        });
    if (!status.ok()) return status;
    return std::move(places_);
  }

 private:
  void collect(const BlockSamples& samples, Site site, Layer layer, const FloatLinear& linear) {
    const SiteSamples& at = samples.at(site);
    const ModuleError error(at, linear, kPictures);
    Place place{site_name(site, samples.block), samples.block, {}};
    for (const Plan& plan : contest_.plans) {
      place.options.push_back({plan.activations.at(place.name)[0]});
      const auto e = plan.equalisations.find(place.name);
      if (e != plan.equalisations.end()) place.options.back().equalisation = e->second;
    }
    for (const std::size_t base : contest_.relevelled) {
      const PlaceOption& from = place.options[base];
      TableScheme levels = least_square_levels(values(at, from), input_.activation_bits);
      place.options.push_back({table_scheme(std::move(levels), input_.activation_bits, 8), from.equalisation});
    }
    parallel_for(input_.threads, static_cast<int>(place.options.size()), [&](int i) {
      PlaceOption& option = place.options[static_cast<std::size_t>(i)];
      option.error = error.of(std::get<ActivationScheme>(option.scheme), before(option));
    });
    places_.push_back(std::move(place));

    if (!contest_.fewer_weight_bits) return;
    Place weights{layer_name(layer, samples.block), samples.block, {}};
    const WeightScheme whole = contest_.plans.front().weights.at(weights.name);
    weights.options.push_back({whole});
    if (whole.bits > kFewestWeightBits) weights.options.push_back({WeightScheme{kFewestWeightBits, WeightRange::mse}});
    for (PlaceOption& option : weights.options) option.error = error.of(std::get<WeightScheme>(option.scheme));
    places_.push_back(std::move(weights));
  }

  void collect_softmax(const BlockSamples& samples, const FloatLinear& proj) {
    Place place{site_name(Site::post_softmax, samples.block), samples.block, {}};
    const AttentionError error(samples.at(Site::post_softmax), samples.at(Site::value),
                               contest_.settled.activations.at(site_name(Site::value, samples.block)),
                               column_powers(proj), input_.threads);
    for (const Plan& plan : contest_.plans) {
      const auto found = plan.softmax.find(place.name);
      if (found != plan.softmax.end()) place.options.push_back({found->second});
    }
    if (place.options.empty()) return;  // the exponential codes of 8 bits need no competitor
    SoftmaxScheme relative;
    relative.codes = SoftmaxCodes::relative;
    relative.bits = input_.activation_bits;
    std::vector<TableScheme> tables = {logarithmic_table(LogarithmBase::square_root_of_two, 1, relative.bits),
                                       logarithmic_table(LogarithmBase::two, 1, relative.bits)};
    for (const TanAngles& angles : tan_candidates()) tables.push_back(tan_table(angles, relative.bits));
    place.options.push_back({error.choose(relative, tables, /*per_head=*/true, /*centroids=*/true)});
    const double power = std::max(error.power(), 1e-30);
    for (PlaceOption& option : place.options) {
      for (int head = 0; head < error.heads(); ++head) {
        option.error += error.of(std::get<SoftmaxScheme>(option.scheme), head) / power;
      }
    }
    places_.push_back(std::move(place));
  }

  const MethodInput& input_;
  const Contest& contest_;
  std::vector<Place> places_;
};

}  // namespace

Result<std::vector<Place>> collect_places(const MethodInput& input, const Contest& contest) {
  return Collector(input, contest).run();
}

}  // namespace intvit
