// Little-endian 32-bit words and short strings, as the metadata and program sections are made of. The reader checks
// every access and remembers the first failure, so that decoding code can be written without a check per line.
#pragma once

#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

namespace intvit {

class ByteWriter {
 public:
  void u32(std::uint32_t value) {
    const auto* p = reinterpret_cast<const std::uint8_t*>(&value);
    bytes_.insert(bytes_.end(), p, p + sizeof value);
  }
  void u64(std::uint64_t value) {
    u32(static_cast<std::uint32_t>(value));
    u32(static_cast<std::uint32_t>(value >> 32));
  }
  // Length, bytes, zeros up to a multiple of 4.
  void string(const std::string& text) {
    u32(static_cast<std::uint32_t>(text.size()));
    bytes_.insert(bytes_.end(), text.begin(), text.end());
    bytes_.resize((bytes_.size() + 3) / 4 * 4);
  }
  // A 32-bit number or enum.
  template <typename T>
  void operator()(const T& field) {
    static_assert(sizeof(T) == 4);
    u32(static_cast<std::uint32_t>(field));
  }
  std::vector<std::uint8_t> take() { return std::move(bytes_); }

 private:
  std::vector<std::uint8_t> bytes_;
};

class ByteReader {
 public:
  explicit ByteReader(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}

  std::uint32_t u32() {
    std::uint32_t value = 0;
    if (bytes_.size() - at_ < sizeof value) {
      failed_ = true;
      return 0;
    }
    std::memcpy(&value, bytes_.data() + at_, sizeof value);
    at_ += sizeof value;
    return value;
  }
  std::uint64_t u64() {
    const std::uint64_t low = u32();
    return low | std::uint64_t{u32()} << 32;
  }
  std::string string(std::size_t max_bytes) {
    const std::uint32_t size = u32();
    const std::size_t padded = (std::size_t{size} + 3) / 4 * 4;
    if (failed_ || size > max_bytes || bytes_.size() - at_ < padded) {
      failed_ = true;
      return {};
    }
    std::string text(reinterpret_cast<const char*>(bytes_.data()) + at_, size);
    at_ += padded;
    return text;
  }
  template <typename T>
  void operator()(T& field) {
    static_assert(sizeof(T) == 4);
    field = static_cast<T>(u32());
  }
  bool failed() const { return failed_; }
  bool at_end() const { return at_ == bytes_.size(); }
  std::size_t position() const { return at_; }

 private:
  std::span<const std::uint8_t> bytes_;
  std::size_t at_ = 0;
  bool failed_ = false;
};

}  // namespace intvit
