// Small text files beside a checkpoint (config.json, labels.txt), read whole and bounded: they may come from an enemy.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "intvit/status.h"

namespace intvit {

// Up to 16 MiB.
Result<std::string> read_text_file(const std::string& path);

// As above, parsed; nested at most 32 deep, at most a million values, no key twice in an object, an object outermost.
Result<nlohmann::json> read_json_file(const std::string& path);

bool file_exists(const std::string& path);

}  // namespace intvit
