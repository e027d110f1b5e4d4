// A checkpoint as numpy.savez or savez_compressed writes it: a ZIP file with a .npy file for each array, whose name is
// the tensor's. Headers are read at once, values when they are asked for, so that memory is bounded by the shape of one
// tensor. Arrays of Python objects are not read.
#pragma once

#include <string>

#include "converter/read/safetensors.h"
#include "converter/read/zip_directory.h"
#include "intvit/status.h"

namespace intvit {

bool is_npz(const ZipEntries& entries);

// The file's bytes must outlive the object. corrupt_file, or unsupported for JAX's names.
Result<SafetensorsFile> open_npz_file(const ZipEntries& entries, std::string name);

}  // namespace intvit
