// A checkpoint that is a ZIP file, by whatever wrote it: torch.save (torch_file.h) or numpy.savez (npz_file.h).
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "converter/read/safetensors.h"
#include "intvit/status.h"

namespace intvit {

// `bytes` must outlive the object; `name` stands for the path in messages. corrupt_file or unsupported.
Result<SafetensorsFile> open_zip_checkpoint(std::span<const std::uint8_t> bytes, std::string name);

}  // namespace intvit
