// config + architecture by name + shapes of the tensors -> the description of a Swin Transformer. What is written in
// the config wins, then the architecture's values, then what the shapes tell; an input size that is given wins over
// all.
#pragma once

#include <string>
#include <vector>

#include "converter/families/input_size.h"
#include "converter/read/config.h"
#include "converter/read/tensor_table.h"
#include "intvit/status.h"
#include "models/swin.h"

namespace intvit {

// The description is complete and within the limits that make later sums safe; the tensors may still not fit it
// (TensorTable::check). What had to be assumed is appended to `notes`, one line each.
Result<SwinDescription> describe_swin(const ModelConfig& config, const TensorTable& tensors, const InputSize& input,
                                      std::vector<std::string>& notes);

// Of sizes that a config or the command line gave. Empty when nothing is out of range.
std::string problem_of(const SwinDescription& swin);

}  // namespace intvit
