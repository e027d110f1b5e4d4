// A checkpoint on disk -> the float network. The one entry to reading.
//
// `path`: a .safetensors file or a folder with model.safetensors (or its index and shards); config.json,
// preprocessor_config.json and labels.txt are read where they lie beside it. Understood are ViT and DeiT, with or
// without a head, in timm's or transformers' names. Nothing in these files is trusted.
#pragma once

#include <string>
#include <vector>

#include "converter/families/output_choice.h"
#include "converter/graph/network.h"
#include "intvit/status.h"

namespace intvit {

// `notes`, where given, receives what had to be assumed: one line each, for stderr.
Result<FloatNetwork> load_network(const std::string& path, std::vector<std::string>* notes = nullptr,
                                  const OutputChoice& outputs = {});

}  // namespace intvit
