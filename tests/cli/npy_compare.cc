// npy_compare WANTED GOT: how far two .npy files of float32 are from each other, in one line: the largest difference
// relative to the root mean square of WANTED, and the signal-to-noise ratio in dB. Exit code 1 if their shapes differ.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

namespace {

struct Array {
  std::string shape;
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
  array.values.resize((bytes.size() - start) / sizeof(float));
  std::memcpy(array.values.data(), bytes.data() + start, array.values.size() * sizeof(float));
  return true;
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
  std::printf("%.3e %.2f\n", largest / rms, noise > 0 ? 10 * std::log10(signal / noise) : 999.0);
  return 0;
}
