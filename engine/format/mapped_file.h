// A read-only memory-mapped file. Pages are shared between processes and read when first touched.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "intvit/status.h"

namespace intvit {

class MappedFile {
 public:
  // not_found if there is no such file, io if it cannot be read, corrupt_file if it is empty.
  static Result<MappedFile> open(const std::string& path);

  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  ~MappedFile();

  // Maps all pages in one call, instead of by a fault for every few, which in a virtual machine is dear. Only a hint,
  // of which Linux before 5.14 knows nothing.
  void populate() const;

  std::span<const std::uint8_t> bytes() const { return {data_, size_}; }

 private:
  MappedFile(const std::uint8_t* data, std::size_t size) : data_(data), size_(size) {}

  const std::uint8_t* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace intvit
