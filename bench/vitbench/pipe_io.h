// Whole values through a pipe between a process and its child, which is the same program: no byte order, no versions.
#pragma once

#include <cstddef>
#include <type_traits>

namespace intvit::bench {

// False if the other end is gone.
bool read_bytes(int fd, void* data, std::size_t size);
bool write_bytes(int fd, const void* data, std::size_t size);

template <typename T>
bool read_value(int fd, T& value) {
  static_assert(std::is_trivially_copyable_v<T>);
  return read_bytes(fd, &value, sizeof value);
}

template <typename T>
bool write_value(int fd, const T& value) {
  static_assert(std::is_trivially_copyable_v<T>);
  return write_bytes(fd, &value, sizeof value);
}

// `Container`: a std::vector or std::string of trivially copyable elements.
template <typename Container>
bool read_all(int fd, Container& values) {
  std::size_t size = 0;
  if (!read_value(fd, size)) return false;
  values.resize(size);
  return read_bytes(fd, values.data(), size * sizeof(typename Container::value_type));
}

template <typename Container>
bool write_all(int fd, const Container& values) {
  return write_value(fd, values.size()) &&
         write_bytes(fd, values.data(), values.size() * sizeof(typename Container::value_type));
}

}  // namespace intvit::bench
