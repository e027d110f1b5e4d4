// Two models beside each other: what they say of themselves, their layers, their weights, and what they give for
// pictures.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "intvit/model.h"
#include "intvit/picture.h"

namespace intvit {

// A layer of either model.
struct LayerPair {
  std::string layer, op;
  std::optional<std::string> format[2];  // as inspect shows them; nothing where a model has no such layer
  int weight_bits[2] = {0, 0};           // 0: none
  // Of the second model's integer weights against the first's, in dB, up to a factor and an offset of each output; both
  // must have as many. Where channels are scaled or rotated in one of the models only, it says nothing.
  std::optional<double> weights_db;

  bool differs() const {
    return format[0] != format[1] || weight_bits[0] != weight_bits[1] || (weights_db && *weights_db < 300);
  }
};

// In the order of the first model, then those that only the second has. Layers of one name and operation are paired in
// order.
std::vector<LayerPair> pair_layers(const Model& a, const Model& b);

struct PictureComparison {
  int pictures = 0, failed = 0;
  std::optional<double> agreement;          // percent of pictures with the same most likely class
  std::map<std::string, double> output_db;  // of outputs that both have in one shape: the second against the first
};

// Pictures that cannot be read are named on stderr.
Result<PictureComparison> compare_on_pictures(const std::shared_ptr<const Model>& a,
                                              const std::shared_ptr<const Model>& b,
                                              const std::vector<std::string>& pictures, int threads,
                                              const PictureOptions& reading);

}  // namespace intvit
