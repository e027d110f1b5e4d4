// Elements in a row that somebody else owns: std::span for C++17. Each converts to the other.
#pragma once

#include <cstddef>
#include <type_traits>
#include <utility>

#include "intvit/rules.h"

namespace intvit {

template <typename T>
class View {
 public:
  using element_type = T;
  using value_type = std::remove_cv_t<T>;
  using iterator = T*;

  constexpr View() = default;
  constexpr View(T* data, std::size_t size) : data_(data), size_(size) {}
  // Of a vector, an array, a span: whatever has data() and size().
  template <typename Range,
            typename = std::enable_if_t<std::is_convertible_v<
                std::remove_pointer_t<decltype(std::declval<const Range&>().data())> (*)[], T (*)[]>>,
            typename = decltype(std::declval<const Range&>().size())>
  constexpr View(const Range& range) : data_(range.data()), size_(range.size()) {}  // NOLINT: implicit on purpose

  constexpr T* data() const { return data_; }
  constexpr std::size_t size() const { return size_; }
  constexpr bool empty() const { return size_ == 0; }
  constexpr T* begin() const { return data_; }
  constexpr T* end() const { return data_ + size_; }
  // Ends the process where there is no such element.
  constexpr T& operator[](std::size_t index) const {
    if (index >= size_)
      rules::require_index(static_cast<long long>(index), static_cast<long long>(size_), "View: element");
    return data_[index];
  }
  T& front() const { return (*this)[0]; }
  T& back() const { return (*this)[size_ - 1]; }

 private:
  T* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace intvit
