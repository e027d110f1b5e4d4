#include <fstream>
#include <iterator>

#include "tools/vitconvert/sweep/checksums.h"

namespace intvit {

std::vector<std::uint8_t> read_bytes(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace intvit
