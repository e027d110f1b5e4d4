// Memory for benchmarks: aligned like a session's, filled with reproducible numbers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <new>

#include "bench/common/random.h"

namespace intvit::bench {

template <typename T>
class Buffer {
 public:
  Buffer() = default;
  explicit Buffer(std::size_t count) : count_(count), data_(allocate(count)) {}
  // Uniform in [low, high].
  Buffer(std::size_t count, std::int64_t low, std::int64_t high, test::Random& random) : Buffer(count) {
    for (std::size_t i = 0; i < count; ++i) data_.get()[i] = static_cast<T>(random.integer(low, high));
  }

  T* data() { return data_.get(); }
  const T* data() const { return data_.get(); }
  std::size_t size() const { return count_; }
  T& operator[](std::size_t i) { return data_.get()[i]; }
  const T& operator[](std::size_t i) const { return data_.get()[i]; }

 private:
  static constexpr std::size_t kAlignment = 64;
  struct Free {
    void operator()(T* p) const { std::free(p); }
  };

  static std::unique_ptr<T, Free> allocate(std::size_t count) {
    const std::size_t bytes = (count * sizeof(T) + kAlignment) / kAlignment * kAlignment;
    T* memory = static_cast<T*>(std::aligned_alloc(kAlignment, bytes));
    if (memory == nullptr) throw std::bad_alloc();
    for (std::size_t i = 0; i < count; ++i) memory[i] = T{};
    return std::unique_ptr<T, Free>(memory);
  }

  std::size_t count_ = 0;
  std::unique_ptr<T, Free> data_;
};

}  // namespace intvit::bench
