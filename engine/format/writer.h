// Writes a model file: to a temporary file in the same folder, which is then renamed, so that no reader ever sees half
// of one and a failed conversion leaves nothing behind. The same program and metadata give the same bytes.
#pragma once

#include <string>
#include <vector>

#include "engine/format/metadata.h"
#include "engine/program/program.h"
#include "intvit/status.h"

namespace intvit {

std::vector<std::uint8_t> encode_model(const Program& program, const Metadata& metadata);

// Replaces the metadata of a file that encode_model() made.
void set_metadata(const Metadata& metadata, std::vector<std::uint8_t>& file);

// Used for every file that a tool writes.
Status write_file_atomically(const std::string& path, std::span<const std::uint8_t> bytes);

}  // namespace intvit
