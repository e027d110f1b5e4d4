// JSON as the tools print it. A file name need not be UTF-8, which JSON must be: other bytes become U+FFFD.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace intvit {

// `indent` -1: on one line.
inline std::string json_text(const nlohmann::ordered_json& json, int indent = -1) {
  return json.dump(indent, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

}  // namespace intvit
