#include "tools/common/machine/machine.h"

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <fstream>

namespace intvit {
namespace {

// What follows "key<blanks>:<blanks>" in the first line with this key.
std::string value_of(const std::string& path, const std::string& key) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    const std::size_t colon = line.find(':');
    if (!line.starts_with(key) || line.find_first_not_of(" \t", key.size()) != colon) continue;
    const std::size_t value = line.find_first_not_of(" \t", colon + 1);
    if (colon != std::string::npos && value != std::string::npos) return line.substr(value);
  }
  return {};
}

}  // namespace

std::string cpu_name(const std::string& cpuinfo) {
  const std::string name = value_of(cpuinfo, "model name");
  if (name.empty()) return "unknown";
  const std::string family = value_of(cpuinfo, "cpu family");
  const bool is_exact = std::any_of(name.begin(), name.end(), [](unsigned char c) { return std::isdigit(c) != 0; });
  if (is_exact || family.empty()) return name;
  return name + " (family " + family + " model " + value_of(cpuinfo, "model") + " stepping " +
         value_of(cpuinfo, "stepping") + ")";
}

double peak_rss_mib() {
  return std::strtod(value_of("/proc/self/status", "VmHWM").c_str(), nullptr) / 1024;  // "5432 kB"
}

}  // namespace intvit
