// Any bytes must give either tensors or a Status, never a crash: opens them as a safetensors file, or as one of
// torch.save or numpy.savez where they begin as a ZIP file, and reads everything.
#include <cstddef>
#include <cstdint>
#include <span>

#include "converter/read/safetensors.h"
#include "converter/read/zip_checkpoint.h"
#include "converter/read/zip_directory.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::span bytes(data, size);
  const bool zip = intvit::is_zip(bytes);
  const auto file = zip ? intvit::open_zip_checkpoint(bytes, "fuzz")
                        : intvit::SafetensorsFile::open_memory(std::as_bytes(bytes), "fuzz");
  if (!file.ok()) return 0;
  const std::size_t most = zip ? 1033 * (size + 1) : size;  // deflate makes 1032 bytes of one
  for (const intvit::TensorInfo& tensor : file.value().tensors()) {
    const auto values = file.value().read(tensor.name);
    if (values.ok() && values.value().size() * 2 > most) __builtin_trap();  // no element is smaller than two bytes
  }
  return 0;
}
