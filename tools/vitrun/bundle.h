// --bundle: vitrun and a model in one file. The model begins at a page behind the program, so that it can be mapped,
// and the last 24 bytes are "INTVITBN" and the model's place and size, u64 each, low bytes first.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "engine/format/mapped_file.h"
#include "intvit/model.h"
#include "intvit/status.h"

namespace intvit {

// What is behind the program that runs.
struct Bundle {
  std::size_t place = 0;
  std::size_t size = 0;
};

// Nothing if this program is no bundle.
std::optional<Bundle> own_bundle();

// The errors of Model::open.
Result<std::shared_ptr<const Model>> open_bundle(const Bundle& bundle);

// Writes the program that runs, with the model of the file `model`, which is one. What stands at `path` is replaced.
// invalid_argument if it is no file, io.
Status write_bundle(const std::string& model, const std::string& path);

}  // namespace intvit
