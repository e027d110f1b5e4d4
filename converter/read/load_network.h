// A checkpoint on disk -> the float network. The one entry to converter/read.
//
// `path`: a .safetensors file or a folder with model.safetensors (or its index and shards); config.json,
// preprocessor_config.json and labels.txt are read where they lie beside it. Understood are ViT and DeiT classifiers in
// timm's or transformers' names. Nothing in these files is trusted.
#pragma once

#include <string>
#include <vector>

#include "converter/float/network.h"
#include "intvit/status.h"

namespace intvit {

// `notes`, where given, receives what had to be assumed: one line each, for stderr.
Result<FloatNetwork> load_network(const std::string& path, std::vector<std::string>* notes = nullptr);

}  // namespace intvit
