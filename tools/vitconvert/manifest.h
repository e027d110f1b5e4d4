// The text that `vitconvert verify --write` keeps of a model file.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "intvit/status.h"

namespace intvit {

// "constant 0123456789abcdef 4096 blocks.0.attn.qkv.tiles", each line of a manifest behind the first.
struct ManifestEntry {
  std::string kind;  // file, metadata or constant
  std::string checksum;
  std::uint64_t bytes = 0;
  std::string name;

  std::string line() const { return kind + " " + checksum + " " + std::to_string(bytes) + " " + name; }
};

std::string manifest_of(const std::vector<ManifestEntry>& entries);

// Lines by kind and name.
using Manifest = std::map<std::string, std::string>;

// invalid_argument for a file that is no manifest; the errors of read_text_file.
Result<Manifest> read_manifest(const std::string& path);

}  // namespace intvit
