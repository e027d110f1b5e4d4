#include "converter/convert/calibration_cache.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <optional>

#include "converter/equalise/fold.h"
#include "converter/float/finite.h"
#include "converter/read/message.h"
#include "engine/format/byte_stream.h"

namespace intvit {
namespace {

constexpr const char* kWhat = "calibration cache";
constexpr std::size_t kLongestText = 200;
constexpr double kLargestScale = 1e12;  // as in plans

void write_numbers(const std::vector<double>& numbers, ByteWriter& bytes) {
  bytes.u32(static_cast<std::uint32_t>(numbers.size()));
  for (const double number : numbers) bytes.u64(std::bit_cast<std::uint64_t>(number));
}

// Fails the reader at its end, so that memory is bounded by the file.
std::vector<double> read_numbers(ByteReader& bytes) {
  std::vector<double> numbers;
  for (std::uint32_t left = bytes.u32(); left > 0 && !bytes.failed(); --left) {
    numbers.push_back(std::bit_cast<double>(bytes.u64()));
  }
  return numbers;
}

void write_heads(const std::map<std::string, Equalisation>& heads, ByteWriter& bytes) {
  bytes.u32(static_cast<std::uint32_t>(heads.size()));
  for (const auto& [name, e] : heads) {
    bytes.string(name);
    write_numbers(e.scale, bytes);
    write_numbers(e.offset, bytes);
    write_numbers({e.rotate.begin(), e.rotate.end()}, bytes);
  }
}

bool read_heads(ByteReader& bytes, const FloatNetwork& network, std::map<std::string, Equalisation>& heads) {
  const std::uint32_t count = bytes.u32();
  for (std::uint32_t i = 0; i < count && !bytes.failed(); ++i) {
    const std::string name = bytes.string(kLongestText);
    const TensorId id = network.find(name);
    if (id < 0 || (network.at(id).role != Role::query && network.at(id).role != Role::value)) return false;
    Equalisation& e = heads[name];
    e.scale = read_numbers(bytes);
    e.offset = read_numbers(bytes);
    for (const double rotate : read_numbers(bytes)) e.rotate.push_back(rotate != 0);
    const auto allowed = [](double scale) { return scale >= 1 / kLargestScale && scale <= kLargestScale; };
    if (!std::ranges::all_of(e.scale, allowed)) return false;
  }
  return !bytes.failed();
}

std::string packed(const std::map<std::string, Equalisation>& heads, const Calibration& calibration) {
  ByteWriter bytes;
  calibration.statistics.write(bytes);
  for (const std::vector<float>& values : calibration.outputs) {
    for (const float value : values) bytes.u32(std::bit_cast<std::uint32_t>(value));
  }
  bytes.u64(calibration.checksum);
  write_heads(heads, bytes);
  const std::vector<std::uint8_t> all = bytes.take();
  return {reinterpret_cast<const char*>(all.data()), all.size()};
}

bool unpack(const std::string& entry, int pictures, const FloatNetwork& network, KeptCalibration& kept) {
  ByteReader bytes({reinterpret_cast<const std::uint8_t*>(entry.data()), entry.size()});
  if (!kept.calibration.statistics.read(bytes, pictures)) return false;
  for (std::size_t o = 0; o < network.outputs.size(); ++o) {
    std::vector<float>& values = kept.calibration.outputs.emplace_back();
    const std::size_t count = static_cast<std::size_t>(pictures) * output_size(network, o);
    if (count > entry.size() / sizeof(float)) return false;
    for (std::size_t i = 0; i < count; ++i) values.push_back(std::bit_cast<float>(bytes.u32()));
    if (!all_finite(values.data(), values.size())) return false;
  }
  kept.calibration.checksum = bytes.u64();
  return read_heads(bytes, network, kept.heads) && bytes.at_end();
}

}  // namespace

Result<CalibrationCache> CalibrationCache::open(std::string path, FileKey key, Note note) {
  CalibrationCache cache;
  cache.path_ = std::move(path);
  cache.note_ = std::move(note);
  Result<OpenedFile> opened = open_keyed_file(cache.path_, kWhat, std::move(key));
  if (!opened.ok()) return opened.status();
  if (const std::string& other = opened.value().other; !other.empty()) {
    cache.note_("the calibration cache " + in_quotes(cache.path_) + " is of another " + other + "; it is made anew");
  }
  cache.file_ = opened.take().file;
  return cache;
}

Result<std::optional<KeptCalibration>> CalibrationCache::find(int head_bits, int pictures,
                                                              FloatNetwork& network) const {
  const auto entry = file_.entries.find(static_cast<std::uint32_t>(head_bits));
  if (entry == file_.entries.end()) return std::optional<KeptCalibration>();
  std::optional<KeptCalibration> kept = KeptCalibration{{}, {CalibrationStatistics(network), {}, 0}};
  if (!unpack(entry->second, pictures, network, *kept) || !equalise(kept->heads, network).ok()) {
    return damaged_file(path_, kWhat);
  }
  note_("calibration is that of the cache " + in_quotes(path_));
  return kept;
}

Status CalibrationCache::keep(int head_bits, const std::map<std::string, Equalisation>& heads,
                              const Calibration& calibration) {
  file_.entries[static_cast<std::uint32_t>(head_bits)] = packed(heads, calibration);
  return write_keyed_file(path_, kWhat, file_);
}

}  // namespace intvit
