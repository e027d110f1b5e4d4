#include "converter/read/zip_checkpoint.h"

#include <utility>

#include "converter/read/npz_file.h"
#include "converter/read/torch_file.h"
#include "converter/read/zip_directory.h"

namespace intvit {

Result<SafetensorsFile> open_zip_checkpoint(std::span<const std::uint8_t> bytes, std::string name) {
  const Result<ZipEntries> entries = read_zip_directory(bytes, name);
  if (!entries.ok()) return entries.status();
  return is_npz(entries.value()) ? open_npz_file(entries.value(), std::move(name))
                                 : open_torch_file(bytes, entries.value(), std::move(name));
}

}  // namespace intvit
