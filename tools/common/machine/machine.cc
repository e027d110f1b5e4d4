#include "tools/common/machine/machine.h"

#include <cstdlib>
#include <fstream>

namespace intvit {
namespace {

// What follows "key<blanks>:<blanks>" in the first line that starts with the key.
std::string value_of(const char* path, const std::string& key) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with(key)) continue;
    const std::size_t colon = line.find(':');
    const std::size_t value = line.find_first_not_of(" \t", colon + 1);
    if (colon != std::string::npos && value != std::string::npos) return line.substr(value);
  }
  return {};
}

}  // namespace

std::string cpu_name() {
  const std::string name = value_of("/proc/cpuinfo", "model name");
  return name.empty() ? "unknown" : name;
}

double peak_rss_mib() {
  return std::strtod(value_of("/proc/self/status", "VmHWM").c_str(), nullptr) / 1024;  // "5432 kB"
}

}  // namespace intvit
