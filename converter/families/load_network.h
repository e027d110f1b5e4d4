// A checkpoint on disk -> the float network. The one entry to reading.
//
// `path`: a .safetensors file or a folder with model.safetensors (or its index and shards); config.json,
// preprocessor_config.json, open_clip_config.json and labels.txt are read where they lie beside it. Understood are ViT,
// DeiT, DINOv2 and the image towers of CLIP and SigLIP, with or without a head, in the names of several libraries.
// Nothing in these files is trusted.
#pragma once

#include <string>
#include <vector>

#include "converter/families/input_size.h"
#include "converter/families/output_choice.h"
#include "converter/graph/network.h"
#include "intvit/status.h"

namespace intvit {

// `notes`, where given, receives what had to be assumed: one line each, for stderr. With `name_all` an error names all
// tensors that are missing or too many, not only the first few.
Result<FloatNetwork> load_network(const std::string& path, std::vector<std::string>* notes = nullptr,
                                  const OutputChoice& outputs = {}, const InputSize& input = {}, bool name_all = false);

}  // namespace intvit
