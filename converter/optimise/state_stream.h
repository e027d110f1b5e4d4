// Numbers of what is learned, on their way into a file and back. Both directions have the same calls, so that one
// function goes through a state.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "converter/optimise/adam.h"
#include "engine/format/byte_stream.h"

namespace intvit {

class StateWriter {
 public:
  void operator()(int value) { bytes_.u32(static_cast<std::uint32_t>(value)); }
  void operator()(float value) { bytes_.u32(std::bit_cast<std::uint32_t>(value)); }
  void operator()(double value) { bytes_.u64(std::bit_cast<std::uint64_t>(value)); }
  void operator()(Adam& adam) { (*this)(adam.mean), (*this)(adam.square); }
  template <typename Number>
  void operator()(std::vector<Number>& numbers) {
    for (Number& number : numbers) (*this)(number);
  }
  // Codes from -128 to 255.
  void codes(std::vector<std::int16_t>& codes, int lowest, int /*highest*/) {
    std::string text;
    for (const std::int16_t code : codes) text += static_cast<char>(code - lowest);
    bytes_.string(text);
  }
  void require(bool) {}
  std::string take() {
    const std::vector<std::uint8_t> all = bytes_.take();
    return {reinterpret_cast<const char*>(all.data()), all.size()};
  }

 private:
  ByteWriter bytes_;
};

// Vectors have their sizes already. Whatever is too short, not finite or not as required fails.
class StateReader {
 public:
  explicit StateReader(const std::string& entry)
      : bytes_({reinterpret_cast<const std::uint8_t*>(entry.data()), entry.size()}) {}

  void operator()(int& value) { value = static_cast<int>(bytes_.u32()); }
  void operator()(float& value) { value = finite(std::bit_cast<float>(bytes_.u32())); }
  void operator()(double& value) { value = finite(std::bit_cast<double>(bytes_.u64())); }
  void operator()(Adam& adam) {
    (*this)(adam.mean), (*this)(adam.square);
    require(adam.square >= 0);
  }
  template <typename Number>
  void operator()(std::vector<Number>& numbers) {
    for (Number& number : numbers) (*this)(number);
  }
  void codes(std::vector<std::int16_t>& codes, int lowest, int highest) {
    const std::string text = bytes_.string(codes.size());
    require(text.size() == codes.size());
    for (std::size_t i = 0; i < codes.size() && ok_; ++i) {
      codes[i] = static_cast<std::int16_t>(lowest + static_cast<unsigned char>(text[i]));
      require(codes[i] <= highest);
    }
  }
  void require(bool holds) { ok_ = ok_ && holds; }
  bool ok() const { return ok_ && !bytes_.failed() && bytes_.at_end(); }

 private:
  template <typename Number>
  Number finite(Number value) {
    require(std::isfinite(value));
    return value;
  }

  ByteReader bytes_;
  bool ok_ = true;
};

}  // namespace intvit
