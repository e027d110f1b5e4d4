// Copies of some ten bytes, such as the codes of a head or the pixels of a patch's row: a call of memcpy() would take
// longer than they do.
//
// Internal linkage on purpose: files compiled for different instruction sets include it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace intvit::kernels {
namespace {

// `to` and `from` do not overlap. Bytes in the middle may be written twice.
[[maybe_unused]] inline void copy_bytes(void* to, const void* from, std::size_t bytes) noexcept {
  constexpr std::size_t kFew = 8, kMany = 16;
  auto* dst = static_cast<std::uint8_t*>(to);
  const auto* src = static_cast<const std::uint8_t*>(from);
  if (bytes < kFew) {
    for (std::size_t i = 0; i < bytes; ++i) dst[i] = src[i];
  } else if (bytes < kMany) {
    std::memcpy(dst, src, kFew);
    std::memcpy(dst + bytes - kFew, src + bytes - kFew, kFew);
  } else {
    for (std::size_t i = 0; i < bytes - kMany; i += kMany) std::memcpy(dst + i, src + i, kMany);
    std::memcpy(dst + bytes - kMany, src + bytes - kMany, kMany);
  }
}

}  // namespace
}  // namespace intvit::kernels
