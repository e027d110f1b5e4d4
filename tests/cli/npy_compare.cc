// npy_compare WANTED GOT: how far two .npy files of float32 are from each other, in one line: the largest difference
// relative to the root mean square of WANTED, the signal-to-noise ratio in dB, and the least cosine of a row (the first
// axis) of both. Exit code 1 if their shapes differ.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

namespace {

struct Array {
  std::string shape;
  std::size_t rows = 0;
  std::vector<float> values;
};

bool read(const char* path, Array& array) {
  std::ifstream file(path, std::ios::binary);
  const std::string bytes(std::istreambuf_iterator<char>(file), {});
  if (bytes.size() < 10 || bytes.compare(1, 5, "NUMPY") != 0) return false;
  const std::size_t start = 10 + static_cast<std::uint8_t>(bytes[8]) + 256 * static_cast<std::uint8_t>(bytes[9]);
  if (bytes.size() < start) return false;
  const std::string header = bytes.substr(10, start - 10);
  if (header.find("'<f4'") == std::string::npos) return false;
  const std::size_t open = header.find('('), close = header.find(')');
  if (open == std::string::npos || close == std::string::npos) return false;
  array.shape = header.substr(open, close - open + 1);
  array.rows = std::strtoull(array.shape.c_str() + 1, nullptr, 10);
  array.values.resize((bytes.size() - start) / sizeof(float));
  std::memcpy(array.values.data(), bytes.data() + start, array.values.size() * sizeof(float));
  return true;
}

double least_cosine(const Array& a, const Array& b) {
  double least = 1;
  const std::size_t columns = a.rows > 0 ? a.values.size() / a.rows : 0;
  for (std::size_t r = 0; r < a.rows; ++r) {
    double product = 0, aa = 0, bb = 0;
    for (std::size_t i = r * columns; i < (r + 1) * columns; ++i) {
      product += static_cast<double>(a.values[i]) * b.values[i];
      aa += static_cast<double>(a.values[i]) * a.values[i];
      bb += static_cast<double>(b.values[i]) * b.values[i];
    }
    least = std::min(least, aa * bb > 0 ? product / std::sqrt(aa * bb) : 0.0);
  }
  return least;
}

}  // namespace

int main(int count, char** arguments) {
  Array wanted, got;
  if (count != 3 || !read(arguments[1], wanted) || !read(arguments[2], got)) {
    std::fprintf(stderr, "npy_compare: two .npy files of float32 are needed\n");
    return 2;
  }
  if (wanted.shape != got.shape || wanted.values.size() != got.values.size()) {
    std::fprintf(stderr, "npy_compare: %s and %s\n", wanted.shape.c_str(), got.shape.c_str());
    return 1;
  }
  double signal = 0, noise = 0, largest = 0;
  for (std::size_t i = 0; i < wanted.values.size(); ++i) {
    const double difference = static_cast<double>(got.values[i]) - wanted.values[i];
    signal += static_cast<double>(wanted.values[i]) * wanted.values[i];
    noise += difference * difference;
    // Not a number is as wrong as can be.
    largest = std::max(largest, std::isnan(difference) ? INFINITY : std::abs(difference));
  }
  const double rms = std::sqrt(signal / static_cast<double>(wanted.values.size()));
  std::printf("%.3e %.2f %.6f\n", largest / rms, noise > 0 ? 10 * std::log10(signal / noise) : 999.0,
              least_cosine(wanted, got));
  return 0;
}
