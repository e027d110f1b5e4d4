#include "picture/stb.h"

#include <climits>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>

#include "picture/decoder.h"

namespace {

// stb_image returns planes that it has not filled, where data is missing. What it gives must not depend on memory.
[[maybe_unused]] void* cleared_realloc(void* old, std::size_t old_size, std::size_t size) {
  void* memory = std::realloc(old, size);
  if (memory != nullptr && size > old_size) std::memset(static_cast<char*>(memory) + old_size, 0, size - old_size);
  return memory;
}

}  // namespace

#define STB_IMAGE_IMPLEMENTATION
#define STB_IMAGE_STATIC
#define STBI_ONLY_BMP
#ifdef INTVIT_PICTURES_STB
#define STBI_ONLY_JPEG
#define STBI_ONLY_PNG
#endif
#define STBI_NO_HDR
#define STBI_NO_LINEAR
#define STBI_NO_STDIO
#define STBI_FAILURE_USERMSG
#define STBI_MALLOC(size) std::calloc(1, size)
#define STBI_REALLOC_SIZED(old, old_size, size) cleared_realloc(old, old_size, size)
#define STBI_REALLOC(old, size) std::realloc(old, size)
#define STBI_FREE(memory) std::free(memory)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-function"
#pragma GCC diagnostic ignored "-Wunused-parameter"
#pragma GCC diagnostic ignored "-Wsign-compare"
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"
#pragma GCC diagnostic ignored "-Wshadow"
#pragma GCC diagnostic ignored "-Wpedantic"
#pragma GCC diagnostic ignored "-Wundef"
#pragma GCC diagnostic ignored "-Wold-style-cast"
#ifndef __clang__
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include <stb/stb_image.h>
#pragma GCC diagnostic pop

namespace intvit {
namespace {

constexpr std::size_t kMostBytes = INT_MAX;  // what stb_image counts with

}  // namespace

Result<std::vector<std::uint8_t>> stb_samples(std::span<const std::uint8_t> file, std::int64_t width,
                                              std::int64_t height, int channels) {
  struct Free {
    void operator()(stbi_uc* pixels) const { stbi_image_free(pixels); }
  };
  if (file.size() > kMostBytes) return unsupported("the picture is larger than stb_image can read");
  int got_width = 0;
  int got_height = 0;
  int file_channels = 0;
  const std::unique_ptr<stbi_uc, Free> samples(stbi_load_from_memory(
      file.data(), static_cast<int>(file.size()), &got_width, &got_height, &file_channels, channels));
  if (samples == nullptr) {
    const char* reason = stbi_failure_reason();
    const std::string text = reason != nullptr ? reason : "unknown reason";
    if (text == "Out of memory") return out_of_memory();
    return damaged(text);
  }
  if (got_width != width || got_height != height) return damaged("its headers contradict each other");
  return std::vector<std::uint8_t>(samples.get(), samples.get() + width * height * channels);
}

Result<Picture> stb_decode(std::span<const std::uint8_t> file, std::int64_t width, std::int64_t height) {
  Result<std::vector<std::uint8_t>> rgb = stb_samples(file, width, height, 3);
  if (!rgb.ok()) return rgb.status();
  return Picture{static_cast<int>(width), static_cast<int>(height), rgb.take()};
}

#ifdef INTVIT_PICTURES_STB
std::int64_t stb_inflate(std::span<const std::uint8_t> zlib, std::span<std::uint8_t> to) {
  if (to.size() > kMostBytes || zlib.size() > kMostBytes) return -1;
  return stbi_zlib_decode_buffer(reinterpret_cast<char*>(to.data()), static_cast<int>(to.size()),
                                 reinterpret_cast<const char*>(zlib.data()), static_cast<int>(zlib.size()));
}
#endif

}  // namespace intvit
