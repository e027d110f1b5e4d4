// A checkpoint as torch.save writes it since PyTorch 1.6: a ZIP file with a pickle and the tensors' storages. Only
// state_dicts, and nothing of the pickle is executed (tensor_pickle.h).
#pragma once

#include <memory>
#include <string>

#include "converter/read/safetensors.h"
#include "converter/read/zip_directory.h"
#include "engine/format/mapped_file.h"
#include "intvit/status.h"

namespace intvit {

// Whether a file begins as a pickle outside of a ZIP file does: an older torch.save's.
bool is_bare_pickle(std::span<const std::uint8_t> bytes);

// The tensors of the entries of the file `bytes`, which are their data. corrupt_file, checksums that differ included,
// or unsupported.
Result<SafetensorsFile> open_torch_file(std::span<const std::uint8_t> bytes, const ZipEntries& entries,
                                        std::string name);

}  // namespace intvit
