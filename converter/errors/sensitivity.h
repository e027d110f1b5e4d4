// Which quantizer costs how much: the signal-to-noise ratio of the logits (of a network without them, of its first
// output) when a single activation quantizer, or the weights of a single layer, are put into the float network and
// everything else stays float (isolated), and when all activation quantizers up to one site, in the order of
// execution, are (accumulated). Simulated in floats; a ratio says where to spend bits, not what the integer model
// reaches.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "converter/observe/picture_run.h"
#include "converter/plan/plan.h"
#include "converter/weights/quantize.h"
#include "engine/format/metadata.h"

namespace intvit {

struct SiteSensitivity {
  std::string site;  // name of the tensor
  double isolated_db;
  double accumulated_db;
};

struct LayerSensitivity {
  std::string layer;  // name of the node
  double isolated_db;
};

struct Sensitivity {
  int pictures = 0;
  std::vector<SiteSensitivity> sites;  // both in the order of execution
  std::vector<LayerSensitivity> layers;
};

// On the first `count` pictures. `network` has the plan's equalisations folded in, and `rounded` has all layers. Every
// site starts from the cached state in front of its segment, so a picture costs about 10 runs of a ViT per block.
// Deterministic for any number of threads.
Result<Sensitivity> measure_sensitivity(const FloatNetwork& network, const Plan& plan, const RoundedLayers& rounded,
                                        const PictureRun& run, int count);

// In a model's metadata, as the keys sensitivity_pictures, sensitivity_sites and sensitivity_layers.
void store(const Sensitivity& sensitivity, Metadata& metadata);
bool is_sensitivity_key(const std::string& key);
// Nothing if there is none; lines that are damaged are left out.
std::optional<Sensitivity> stored_sensitivity(const Metadata& metadata);

// Copies with the worst (isolated) first.
std::vector<SiteSensitivity> worst_first(std::vector<SiteSensitivity> sites);
std::vector<LayerSensitivity> worst_first(std::vector<LayerSensitivity> layers);

}  // namespace intvit
