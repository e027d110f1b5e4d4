// Families of networks. Each makes the graph of the checkpoints that are its own; load_network.cc picks the family.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "converter/families/input_size.h"
#include "converter/families/output_choice.h"
#include "converter/graph/network.h"
#include "converter/read/config.h"
#include "converter/read/tensor_table.h"
#include "intvit/status.h"

namespace intvit {

// ViT, DeiT, DINOv2 and the image towers of CLIP and SigLIP (converter/families/vit/).
Result<FloatNetwork> load_vit(const ModelConfig& config, const TensorTable& tensors, const OutputChoice& outputs,
                              const InputSize& input, std::vector<std::string>& notes);

// A known architecture with random weights, as random_network.h has it.
Result<FloatNetwork> random_vit(const std::string& architecture, const InputSize& input, std::uint64_t seed,
                                const OutputChoice& outputs);

// Swin Transformers of both versions (converter/families/swin/).
Result<FloatNetwork> load_swin(const ModelConfig& config, const TensorTable& tensors, const OutputChoice& outputs,
                               const InputSize& input, std::vector<std::string>& notes);
Result<FloatNetwork> random_swin(const std::string& architecture, const InputSize& input, std::uint64_t seed,
                                 const OutputChoice& outputs);

}  // namespace intvit
