// Sees the fields of an operation one after another, as the file stores them: 32-bit words. May change them.
#pragma once

#include <cstdint>

namespace intvit {

class FieldVisitor {
 public:
  virtual void word(std::uint32_t& field) = 0;

  // A field is a number or an enum.
  template <typename T>
  void operator()(T& field) {
    static_assert(sizeof(T) == sizeof(std::uint32_t));
    auto value = static_cast<std::uint32_t>(field);
    word(value);
    field = static_cast<T>(value);
  }

 protected:
  ~FieldVisitor() = default;
};

}  // namespace intvit
