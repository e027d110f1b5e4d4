// The bytes of a picture: in memory, or a regular file that is read in blocks.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "intvit/status.h"

namespace intvit {

class Input {
 public:
  explicit Input(std::span<const std::uint8_t> bytes)
      : memory_(bytes), size_(static_cast<std::int64_t>(bytes.size())) {}

  // Refuses pipes, devices and folders without reading, or waiting for, anything. Messages do not name the path.
  static Result<Input> open(const std::string& path);

  Input(Input&& other) noexcept
      : memory_(other.memory_),
        size_(other.size_),
        file_(std::exchange(other.file_, -1)),
        at_end_(other.at_end_),
        error_(other.error_),
        block_(std::move(other.block_)) {}
  Input& operator=(Input&&) = delete;
  ~Input();

  std::int64_t size() const { return size_; }

  // The next bytes, valid until the next call; none at the end or after an error of the system.
  std::span<const std::uint8_t> next();
  // What the system said, or ok.
  Status status() const;

  void rewind();
  // All bytes, from the beginning, valid as long as this object.
  Result<std::span<const std::uint8_t>> all();

 private:
  explicit Input(int file, std::int64_t size) : size_(size), file_(file) {}

  std::span<const std::uint8_t> memory_;
  std::int64_t size_ = 0;
  int file_ = -1;
  bool at_end_ = false;
  int error_ = 0;
  std::vector<std::uint8_t> block_;
};

}  // namespace intvit
