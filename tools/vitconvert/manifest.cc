#include "tools/vitconvert/manifest.h"

#include <sstream>

#include "converter/read/text_file.h"

namespace intvit {
namespace {

constexpr const char* kFirstLine = "intvit manifest 1";

}  // namespace

std::string manifest_of(const std::vector<ManifestEntry>& entries) {
  std::string text = std::string(kFirstLine) + "\n";
  for (const ManifestEntry& entry : entries) text += entry.line() + "\n";
  return text;
}

Result<Manifest> read_manifest(const std::string& path) {
  const Result<std::string> text = read_text_file(path);
  if (!text.ok()) return text.status();
  // Streams keep a lack of memory to themselves, and what they did not read would be missing.
  const auto too_little_memory = [&] { return no_memory([&] { return "not enough memory to read '" + path + "'"; }); };
  std::istringstream lines(text.value());
  std::string line;
  if (!std::getline(lines, line) || line != kFirstLine) {
    return Status(Code::invalid_argument, "'" + path + "' is no manifest; make one with 'vitconvert verify --write'");
  }
  Manifest manifest;
  while (std::getline(lines, line)) {
    std::istringstream words(line);
    ManifestEntry entry;
    words >> entry.kind >> entry.checksum >> entry.bytes;
    words.ignore(1);
    std::getline(words, entry.name);
    if (words.bad()) return too_little_memory();
    if (entry.name.empty()) return Status(Code::invalid_argument, "'" + path + "' has a line that is no entry");
    manifest[entry.kind + " '" + entry.name + "'"] = entry.line();
  }
  if (lines.bad()) return too_little_memory();
  return manifest;
}

}  // namespace intvit
