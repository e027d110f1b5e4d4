// Makes and writes model files. The same program and metadata give the same bytes.
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

// Writes every file of the tools so that no reader ever sees half of one, and so that nothing stays behind if it fails:
// the bytes go to a file without a name in the same folder, which then takes the name. A file that has it already is
// replaced; a link is followed; to a device or a pipe the bytes are written as they are. io.
Status write_file_atomically(const std::string& path, std::span<const std::uint8_t> bytes);

// The same for file systems that cannot have files without a name: the temporary file is ".NAME.intvit-0", or another
// number where somebody else writes the same file at the same time. It is locked (flock); one that nobody has locked
// was left by a process that was killed, and is removed.
Status write_file_by_name(const std::string& path, std::span<const std::uint8_t> bytes);

// Where links lead to; `path` itself if it is none, also where there is nothing yet.
std::string without_links(const std::string& path);

}  // namespace intvit
