// Any bytes must give either tensors or a Status, never a crash: opens them as a safetensors file, or as one of
// torch.save where they begin as a ZIP file, and reads everything.
#include <cstddef>
#include <cstdint>
#include <span>

#include "converter/read/safetensors.h"
#include "converter/read/torch_file.h"
#include "converter/read/zip_directory.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::span bytes(data, size);
  const auto file = intvit::is_zip(bytes) ? intvit::open_torch_file(bytes, "fuzz")
                                          : intvit::SafetensorsFile::open_memory(std::as_bytes(bytes), "fuzz");
  if (!file.ok()) return 0;
  for (const intvit::TensorInfo& tensor : file.value().tensors()) {
    const auto values = file.value().read(tensor.name);
    if (values.ok() && values.value().size() * 2 > size) __builtin_trap();  // no element is smaller than two bytes
  }
  return 0;
}
