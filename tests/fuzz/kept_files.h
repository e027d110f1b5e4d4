// What the tools keep in files and read again, made small for the fuzz target fuzz_kept and its seeds.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>

#include "converter/convert/calibration_cache.h"
#include "tests/converter/toy_network.h"

namespace intvit::test {

inline constexpr std::uint64_t kModelDigest = 7;
inline constexpr int kColumns = 3, kPictures = 2, kClasses = 4;
inline constexpr const char* kKey = "0123456789abcdef";

inline const FloatNetwork& kept_network() {
  static const FloatNetwork network = toy_network(1);
  return network;
}

inline FileKey kept_key() { return {{"checkpoint", kKey}}; }

// Gone with its owner.
struct Folder {
  std::string path = "/tmp/fuzz_kept.XXXXXX";
  Folder() {
    if (mkdtemp(path.data()) == nullptr) std::abort();
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  }
  Folder(const Folder&) = delete;

  std::string file(const std::string& name) const { return path + "/" + name; }
  std::string write(const std::string& name, std::string_view bytes) const {
    std::FILE* out = std::fopen(file(name).c_str(), "wb");
    if (out == nullptr || std::fwrite(bytes.data(), 1, bytes.size(), out) != bytes.size()) std::abort();
    std::fclose(out);
    return file(name);
  }
};

}  // namespace intvit::test
