#include "tools/vitconvert/sweep/checksums.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <span>

#include "engine/format/checksum.h"
#include "tools/common/machine/build_info.h"
#include "tools/common/pictures/picture_limits.h"
#include "tools/common/results/digest.h"

namespace intvit {
namespace {

namespace fs = std::filesystem;

std::uint64_t add_text(const std::string& text, std::uint64_t seed) {
  return checksum64({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}, seed);
}

// In pieces, since checkpoints are large.
std::uint64_t add_file(const fs::path& path, std::uint64_t seed) {
  std::ifstream file(path, std::ios::binary);
  std::vector<char> chunk(std::size_t{1} << 20);
  while (file.read(chunk.data(), static_cast<std::streamsize>(chunk.size())) || file.gcount() > 0) {
    seed = checksum64({reinterpret_cast<const std::uint8_t*>(chunk.data()), static_cast<std::size_t>(file.gcount())},
                      seed);
  }
  return seed;
}

std::uint64_t add_classes(const ClassTexts& texts, std::uint64_t seed) {
  const auto text_of = [](const std::optional<double>& value) { return value ? std::to_string(*value) : "own"; };
  seed = add_text(std::to_string(texts.classes) + " " + text_of(texts.scale) + " " + text_of(texts.bias) + "\n", seed);
  return checksum64(
      {reinterpret_cast<const std::uint8_t*>(texts.embeddings.data()), texts.embeddings.size() * sizeof(float)}, seed);
}

std::string hashed(const std::string& text) { return hex64(add_text(text, 0)); }

}  // namespace

std::uint64_t pictures_checksum(const std::vector<LabelledPicture>& pictures) {
  std::uint64_t sum = 0;
  for (const LabelledPicture& picture : pictures)
    sum = add_text(std::to_string(picture.label) + "\n", add_file(picture.path, sum));
  return sum;
}

Result<std::uint64_t> checkpoint_checksum(const std::string& source) {
  std::error_code error;
  const bool folder = fs::is_directory(source, error);
  const fs::path beside = folder ? fs::path(source) : fs::absolute(source, error).parent_path();
  std::vector<fs::path> files;
  if (!folder) files.emplace_back(source);
  for (fs::directory_iterator entry(beside, error), end; !error && entry != end; entry.increment(error)) {
    const std::string extension = entry->path().extension().string();
    if (extension == ".json" || entry->path().filename() == "labels.txt" ||
        (folder && (extension == ".safetensors" || extension == ".bin" || extension == ".npz")))
      files.push_back(entry->path());
  }
  if (error) return {Code::not_found, "cannot read the checkpoint '" + source + "': " + error.message()};
  std::sort(files.begin(), files.end());
  std::uint64_t sum = 0;
  for (const fs::path& file : files) sum = add_file(file, add_text(file.filename().string() + "\n", sum));
  return sum;
}

Result<SweepChecksums> sweep_checksums(const std::string& checkpoint, const std::optional<ClassTexts>& texts,
                                       const std::vector<LabelledPicture>& calibration,
                                       const std::vector<LabelledPicture>& evaluation, const PictureOptions& reading) {
  const Result<std::uint64_t> sum = checkpoint_checksum(checkpoint);
  if (!sum.ok()) return sum.status();
  const std::string how = limits_text(reading.limits) + (reading.exif_rotate ? ",turned" : "");
  return SweepChecksums{texts ? add_classes(*texts, sum.value()) : sum.value(), pictures_checksum(calibration),
                        pictures_checksum(evaluation), add_text(how, 0), add_file("/proc/self/exe", 0)};
}

std::string float_key(const SweepChecksums& checksums) {
  return hashed("float 1\n" + version() + "\n" + hex64(checksums.program) + "\n" + hex64(checksums.checkpoint) + "\n" +
                hex64(checksums.evaluation) + "\n" + hex64(checksums.reading) + "\n");
}

std::string key_of(const Combination& combination, const SweepChecksums& checksums) {
  std::string text =
      "combination 1\n" + float_key(checksums) + "\n" + hex64(checksums.calibration) + "\n" + combination.name() + "\n";
  for (const std::string& setting : combination.settings) text += setting + "\n";
  return hashed(text);
}

}  // namespace intvit
