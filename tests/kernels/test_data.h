// What the kernel tests share: reproducible numbers, memory that notices when somebody leaves it, patterns that are as
// extreme as the types allow, and the list of instruction sets to compare with the scalar law.
#pragma once

#include <doctest/doctest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "bench/common/random.h"
#include "intvit/isa.h"
#include "kernels/dispatch/kernel_table.h"

namespace intvit::test {

// crowded: around a mean that changes now and then, with anything at all in between, seldom or not so seldom.
enum class Pattern { random, all_min, all_max, alternating, crowded };
inline constexpr std::array<Pattern, 5> kPatterns = {Pattern::random, Pattern::all_min, Pattern::all_max,
                                                     Pattern::alternating, Pattern::crowded};

template <typename T>
void fill(T* values, std::size_t count, Pattern pattern, Random& random,
          std::int64_t low = std::numeric_limits<T>::min(), std::int64_t high = std::numeric_limits<T>::max()) {
  if (pattern == Pattern::crowded) {
    const int strays_percent = static_cast<int>(random.integer(0, 4));
    std::int64_t mean = random.integer(low, high);
    const std::int64_t spread = (high - low) / 8;
    for (std::size_t i = 0; i < count; ++i) {
      if (random.integer(0, 999) == 0) mean = random.integer(low, high);
      values[i] =
          static_cast<T>(random.chance(strays_percent) ? random.integer(low, high)
                                                       : std::clamp(mean + random.integer(-spread, spread), low, high));
    }
    return;
  }
  for (std::size_t i = 0; i < count; ++i) {
    const bool max = pattern == Pattern::all_max || (pattern == Pattern::alternating && i % 2 == 1);
    values[i] = static_cast<T>(pattern == Pattern::random ? random.integer(low, high) : max ? high : low);
  }
}

// `count` elements, `misalignment` elements past a multiple of 64 bytes, between two zones of guard bytes. Starts with
// a fixed filling, so that two buffers of the same shape can be compared as a whole, gaps between rows included.
template <typename T>
class GuardedBuffer {
 public:
  explicit GuardedBuffer(std::size_t count, std::size_t misalignment = 0)
      : count_(count), before_(kGuardBytes + misalignment * sizeof(T)) {
    bytes_.assign(before_ + count * sizeof(T) + kGuardBytes + 64, kFilling);
    const auto address = reinterpret_cast<std::uintptr_t>(bytes_.data());
    before_ += (64 - address % 64) % 64;
  }
  GuardedBuffer(const GuardedBuffer&) = delete;
  GuardedBuffer& operator=(const GuardedBuffer&) = delete;

  T* data() { return reinterpret_cast<T*>(bytes_.data() + before_); }
  std::size_t size() const { return count_; }
  T& operator[](std::size_t i) { return data()[i]; }

  bool guards_intact() const {
    const auto intact = [](std::uint8_t byte) { return byte == kFilling; };
    return std::all_of(bytes_.begin(), bytes_.begin() + static_cast<std::ptrdiff_t>(before_), intact) &&
           std::all_of(bytes_.begin() + static_cast<std::ptrdiff_t>(before_ + count_ * sizeof(T)), bytes_.end(),
                       intact);
  }
  static T untouched() {
    T value;
    std::memset(&value, kFilling, sizeof value);
    return value;
  }

 private:
  static constexpr std::size_t kGuardBytes = 256;  // four whole zmm registers
  static constexpr std::uint8_t kFilling = 0xa5;
  std::size_t count_;
  std::size_t before_;
  std::vector<std::uint8_t> bytes_;
};

// `count` elements whose last byte is the last one before an unmapped page: reading past the end is a crash.
template <typename T>
class FencedBuffer {
 public:
  explicit FencedBuffer(std::size_t count) {
    const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    const std::size_t inner = (count * sizeof(T) + page - 1) / page * page;
    mapped_ = inner + page;
    base_ =
        static_cast<std::uint8_t*>(mmap(nullptr, mapped_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    REQUIRE(base_ != MAP_FAILED);
    REQUIRE(mprotect(base_ + inner, page, PROT_NONE) == 0);
    data_ = reinterpret_cast<T*>(base_ + inner - count * sizeof(T));
  }
  ~FencedBuffer() { munmap(base_, mapped_); }
  FencedBuffer(const FencedBuffer&) = delete;
  FencedBuffer& operator=(const FencedBuffer&) = delete;

  T* data() { return data_; }
  T& operator[](std::size_t i) { return data_[i]; }

 private:
  std::uint8_t* base_;
  std::size_t mapped_;
  T* data_;
};

// The first element in which two buffers differ, or -1.
template <typename T>
std::ptrdiff_t first_difference(GuardedBuffer<T>& a, GuardedBuffer<T>& b) {
  if (std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0) return -1;
  return std::mismatch(a.data(), a.data() + a.size(), b.data()).first - a.data();
}

// Every instruction set above scalar that this build and this CPU have. One that is built but cannot run here shows up
// as skipped: a test that compared nothing must not look like one that passed.
inline std::vector<Isa> vector_isas() {
  std::vector<Isa> isas;
  for (int i = 1; i < kIsaCount; ++i) {
    const Isa isa = static_cast<Isa>(i);
    if (!isa_is_built(isa)) continue;
    if (cpu_supports(isa)) {
      isas.push_back(isa);
    } else {
      MESSAGE("SKIPPED for " << std::string(isa_name(isa)) << ": this CPU does not have it");
    }
  }
  if (isas.empty()) MESSAGE("SKIPPED: nothing to compare with the scalar kernels");
  return isas;
}

// For the tests of what the kernels compute, as opposed to whether they agree.
inline std::vector<Isa> all_isas() {
  std::vector<Isa> isas = vector_isas();
  isas.push_back(Isa::scalar);
  return isas;
}

inline std::string describe(Isa isa) { return std::string(isa_name(isa)); }

}  // namespace intvit::test
