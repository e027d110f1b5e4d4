// The JSON header of a safetensors file -> a list of tensors. Parsed event by event with a fixed shape, so that neither
// deep nesting nor millions of stray values cost stack or memory. Checks everything that the header alone can tell;
// safetensors.cc has compared its length with the file.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "converter/read/safetensors.h"
#include "intvit/status.h"

namespace intvit {

struct SafetensorsHeader {
  std::vector<TensorInfo> tensors;  // sorted by name
  std::map<std::string, std::string> metadata;
};

// `data_size`: the bytes that follow the header; `file` names the file in messages.
Result<SafetensorsHeader> parse_safetensors_header(std::string_view json, std::size_t data_size,
                                                   const std::string& file);

}  // namespace intvit
