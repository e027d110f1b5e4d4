#include "converter/convert/calibration_cache.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <filesystem>
#include <limits>
#include <optional>

#include "converter/equalise/fold.h"
#include "converter/float/finite.h"
#include "converter/read/message.h"
#include "engine/format/byte_stream.h"
#include "engine/format/checksum.h"
#include "engine/format/mapped_file.h"
#include "engine/format/writer.h"

namespace intvit {
namespace {

constexpr const char* kMagic = "intvit calibration 1";
constexpr std::size_t kLongestText = 200, kAnyLength = std::numeric_limits<std::uint32_t>::max();
constexpr std::uint32_t kMostKeyParts = 16, kMostEntries = 9;  // of 0 to 8 bits
constexpr double kLargestScale = 1e12;                         // as in plans

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

bool is_there(const std::string& path) {
  std::error_code error;
  return std::filesystem::exists(path, error) && !std::filesystem::is_empty(path, error);
}

Status no_cache(const std::string& path) {
  return {Code::corrupt_file, in_quotes(path) +
                                  " is no calibration cache of this version, or is damaged; remove it or give another "
                                  "name"};
}

}  // namespace

Result<CalibrationCache> CalibrationCache::open(std::string path, CalibrationKey key, Note note) {
  CalibrationCache cache;
  cache.path_ = std::move(path);
  cache.key_ = std::move(key);
  cache.note_ = std::move(note);
  if (!is_there(cache.path_)) return cache;
  if (Status status = cache.read(); !status.ok()) return status;
  return cache;
}

Status CalibrationCache::read() {
  const Result<MappedFile> file = MappedFile::open(path_);
  if (!file.ok()) return file.status();
  const std::span<const std::uint8_t> all = file.value().bytes();
  if (all.size() < sizeof(std::uint64_t)) return no_cache(path_);
  const std::span<const std::uint8_t> content = all.first(all.size() - sizeof(std::uint64_t));
  ByteReader bytes(content), end(all.last(sizeof(std::uint64_t)));
  if (bytes.string(kLongestText) != kMagic || end.u64() != checksum64(content)) return no_cache(path_);
  CalibrationKey found(std::min(bytes.u32(), kMostKeyParts));
  for (auto& [name, value] : found) name = bytes.string(kLongestText), value = bytes.string(kLongestText);
  const std::uint32_t entries = bytes.u32();
  for (std::uint32_t i = 0; i < std::min(entries, kMostEntries); ++i) {
    const auto bits = static_cast<int>(bytes.u32());
    entries_[bits] = bytes.string(kAnyLength);
  }
  if (bytes.failed() || !bytes.at_end()) return no_cache(path_);
  if (found == key_) return {};
  entries_.clear();
  const auto [own, other] = std::ranges::mismatch(key_, found);
  note_("the calibration cache " + in_quotes(path_) + " is of another " +
        (own == key_.end() ? std::string("version") : own->first) + "; it is made anew");
  return {};
}

Result<std::optional<KeptCalibration>> CalibrationCache::find(int head_bits, int pictures,
                                                              FloatNetwork& network) const {
  const auto entry = entries_.find(head_bits);
  if (entry == entries_.end()) return std::optional<KeptCalibration>();
  std::optional<KeptCalibration> kept = KeptCalibration{{}, {CalibrationStatistics(network), {}, 0}};
  if (!unpack(entry->second, pictures, network, *kept) || !equalise(kept->heads, network).ok()) return no_cache(path_);
  note_("calibration is that of the cache " + in_quotes(path_));
  return kept;
}

Status CalibrationCache::keep(int head_bits, const std::map<std::string, Equalisation>& heads,
                              const Calibration& calibration) {
  entries_[head_bits] = packed(heads, calibration);
  ByteWriter bytes;
  bytes.string(kMagic);
  bytes.u32(static_cast<std::uint32_t>(key_.size()));
  for (const auto& [name, value] : key_) bytes.string(name), bytes.string(value);
  bytes.u32(static_cast<std::uint32_t>(entries_.size()));
  for (const auto& [bits, entry] : entries_) {
    if (entry.size() > kAnyLength) return {};  // more than 4 GiB are not worth to be kept
    bytes.u32(static_cast<std::uint32_t>(bits));
    bytes.string(entry);
  }
  std::vector<std::uint8_t> file = bytes.take();
  ByteWriter end;
  end.u64(checksum64(file));
  for (const std::uint8_t byte : end.take()) file.push_back(byte);
  return write_file_atomically(path_, file);
}

}  // namespace intvit
