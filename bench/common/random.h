// Reproducible numbers for all tests.
#pragma once

#include <cstdint>

namespace intvit::test {

// splitmix64: the same numbers on every platform and standard library, unlike std::uniform_int_distribution.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}

  std::uint64_t next() {
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15ull);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    return z ^ (z >> 31);
  }
  // Uniform in [low, high].
  std::int64_t integer(std::int64_t low, std::int64_t high) {
    const auto span = static_cast<std::uint64_t>(high) - static_cast<std::uint64_t>(low) + 1;
    return static_cast<std::int64_t>(static_cast<std::uint64_t>(low) + (span == 0 ? next() : next() % span));
  }
  // Of either sign, all magnitudes up to 2^bits equally likely: reaches both the usual and the absurd.
  std::int64_t any_magnitude(int bits) {
    const std::int64_t limit = std::int64_t{1} << integer(0, bits);
    return integer(-limit, limit);
  }
  double real(double low, double high) { return low + (high - low) * static_cast<double>(next() >> 11) * 0x1p-53; }
  // Sum of twelve uniforms: close enough to a bell.
  double bell(double mean, double sigma) {
    double sum = -6;
    for (int i = 0; i < 12; ++i) sum += real(0, 1);
    return mean + sigma * sum;
  }
  bool chance(int percent) { return integer(0, 99) < percent; }

 private:
  std::uint64_t state_;
};

}  // namespace intvit::test
