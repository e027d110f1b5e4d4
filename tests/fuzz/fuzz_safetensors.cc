// Any bytes must give either tensors or a Status, never a crash: opens them as a safetensors file and reads everything.
#include <cstddef>
#include <cstdint>
#include <span>

#include "converter/read/safetensors.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto file = intvit::SafetensorsFile::open_memory(std::as_bytes(std::span(data, size)), "fuzz");
  if (!file.ok()) return 0;
  for (const intvit::TensorInfo& tensor : file.value().tensors()) {
    const auto values = file.value().read(tensor.name);
    if (values.ok() && values.value().size() * 2 > size) __builtin_trap();  // no element is smaller than two bytes
  }
  return 0;
}
