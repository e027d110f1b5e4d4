// Structs of the C interface that may grow. A program that was built with another version of the header passes shorter
// or longer ones; struct_size, their first field, says which.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>

#include "intvit/status.h"
#include "intvit/version.h"

namespace intvit {

// What no struct will ever be longer than: a larger struct_size is memory that nobody has set.
inline constexpr std::size_t kMaxStructSize = 4096;

// `first_size` is that of the first version of the struct: what every caller has.
inline Status check_struct_size(std::size_t size, std::size_t first_size, const char* type) {
  if (size >= first_size && size <= kMaxStructSize) return {};
  return {Code::invalid_argument, std::string("struct_size of ") + type + " is " + std::to_string(size) +
                                      "; set it to sizeof(" + type + "), as its INIT macro does"};
}

// Reads a caller's struct; `to` has the defaults of what it does not have. What it has more must be 0: it asks for
// nothing that this version does not know.
template <typename T>
Status read_struct(const T* from, std::size_t first_size, const char* type, T& to) {
  const std::size_t size = from->struct_size;
  if (Status status = check_struct_size(size, first_size, type); !status.ok()) return status;
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(from);
  for (std::size_t i = sizeof(T); i < size; ++i) {
    if (bytes[i] == 0) continue;
    return {Code::unsupported, std::string(type) + " asks for something that this version (" INTVIT_VERSION_STRING
                                                   ") does not know; use the library that belongs to the header"};
  }
  std::memcpy(&to, from, std::min(size, sizeof(T)));
  to.struct_size = sizeof(T);
  return {};
}

// Fills a caller's struct, as much of it as it has; what it has more becomes 0.
template <typename T>
Status write_struct(const T& from, std::size_t first_size, const char* type, T* to) {
  const std::size_t size = to->struct_size;
  if (Status status = check_struct_size(size, first_size, type); !status.ok()) return status;
  auto* bytes = reinterpret_cast<std::uint8_t*>(to);
  const std::size_t known = std::min(size, sizeof(T));
  std::memcpy(bytes, &from, known);
  std::memset(bytes + known, 0, size - known);
  to->struct_size = size;
  return {};
}

}  // namespace intvit

// The end of a struct as it was first: its last field then.
#define INTVIT_FIRST_SIZE(type, last) (offsetof(type, last) + sizeof(type::last))
