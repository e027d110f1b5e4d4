// A read-only memory-mapped file. Pages are shared between processes and read when first touched.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

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

// A copy of a file's bytes, in 64-bit words for alignment, of which the last may be filled up with zeros.
struct FileCopy {
  std::vector<std::uint64_t> words;
  std::size_t size = 0;  // in bytes
};

// The errors of MappedFile::open(); io also if the file becomes shorter while it is read. May throw std::bad_alloc.
Result<FileCopy> copy_file(const std::string& path);

}  // namespace intvit
