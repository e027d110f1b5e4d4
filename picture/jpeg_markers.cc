#include "picture/jpeg_markers.h"

#include <algorithm>
#include <cstring>
#include <string>

#include "picture/decoder.h"
#include "picture/exif.h"

namespace intvit {
namespace {

using Bytes = std::span<const std::uint8_t>;

constexpr const char* kEndsEarly = "it ends before its end-of-image marker";

std::uint32_t big_endian_16(Bytes bytes, std::size_t at) {
  return static_cast<std::uint32_t>(bytes[at]) << 8 | bytes[at + 1];
}

std::int64_t ceil_div(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

bool begins_with(Bytes bytes, const char* text, std::size_t size) {
  return bytes.size() >= size && std::memcmp(bytes.data(), text, size) == 0;
}

class Walk {
 public:
  explicit Walk(const PictureLimits& limits) : limits_(limits) {}

  Status run(Bytes file);
  const JpegMarkers& found() const { return found_; }

 private:
  // Each looks at a segment without its length field.
  Status add_segment(std::uint8_t marker, Bytes segment);
  Status add_huffman(Bytes segment);
  Status add_quantization(Bytes segment);
  Status add_frame(Bytes segment);
  Status add_scan(Bytes segment);
  void add_app(std::uint8_t marker, Bytes segment);
  Status add_restart(std::uint8_t marker);
  Status end_scan(std::size_t data_bytes);
  Status end_file();
  std::int64_t mcus(unsigned components) const;
  std::int64_t blocks_of_mcu(unsigned components) const;

  PictureLimits limits_;
  JpegMarkers found_;
  unsigned huffman_ = 0;       // bit class * 4 + id, class 0 for DC and 1 for AC
  unsigned quantization_ = 0;  // bit id
  unsigned quantization_used_ = 0;
  unsigned scanned_ = 0;  // bit c: component c has a scan that defines its DC coefficients
  std::int64_t interval_ = 0;
  bool in_scan_ = false;
  std::int64_t restarts_due_ = 0;
  std::int64_t restarts_ = 0;
  std::int64_t least_bits_ = 0;  // of the data of a scan
};

Status Walk::run(Bytes file) {
  std::size_t at = 2, data_begin = 2;
  while (at + 1 < file.size()) {
    if (file[at] != 0xff) {  // the data of a scan, or stray bytes
      ++at;
      continue;
    }
    const std::uint8_t marker = file[at + 1];
    if (marker == 0xff) {  // a fill byte
      ++at;
      continue;
    }
    at += 2;
    if (marker == 0x00 || marker == 0x01) continue;
    if (marker >= 0xd0 && marker <= 0xd7) {
      if (Status status = add_restart(marker); !status.ok()) return status;
      continue;
    }
    if (Status status = end_scan(at - 2 - data_begin); !status.ok()) return status;
    if (marker == 0xd9) return end_file();
    if (marker == 0xd8) return damaged("it begins twice");
    if (file.size() - at < 2) break;
    const std::size_t length = big_endian_16(file, at);
    if (length < 2) return damaged("a segment has an impossible length");
    if (file.size() - at < length) break;
    if (Status status = add_segment(marker, file.subspan(at + 2, length - 2)); !status.ok()) return status;
    at += length;
    data_begin = at;
  }
  return damaged(kEndsEarly);
}

Status Walk::add_segment(std::uint8_t marker, Bytes segment) {
  switch (marker) {
    case 0xc4:
      return add_huffman(segment);
    case 0xdb:
      return add_quantization(segment);
    case 0xc0:
    case 0xc1:
    case 0xc2:
      found_.is_progressive = marker == 0xc2;
      return add_frame(segment);
    case 0xc9:
    case 0xca:
      return unsupported("a JPEG with arithmetic coding, which this build does not read");
    case 0xda:
      return add_scan(segment);
    case 0xdc:
      return unsupported("a JPEG with its height at the end (DNL), which this build does not read");
    case 0xdd:
      if (segment.size() != 2) return damaged("a restart interval has an impossible length");
      interval_ = big_endian_16(segment, 0);
      return {};
    default:
      if (marker >= 0xe0 && marker <= 0xef) add_app(marker, segment);
      if (marker >= 0xc3 && marker <= 0xcf && marker != 0xcc && marker != 0xc8) {
        return unsupported("a lossless or hierarchical JPEG, which this version does not read");
      }
      return {};
  }
}

Status Walk::add_huffman(Bytes segment) {
  while (!segment.empty()) {
    std::size_t codes = 0;
    const bool is_there = segment.size() >= 17 && (segment[0] >> 4) <= 1 && (segment[0] & 15) <= 3;
    for (std::size_t i = 1; is_there && i <= 16; ++i) codes += segment[i];
    if (!is_there || codes > 256 || segment.size() < 17 + codes) return damaged("a Huffman table is impossible");
    huffman_ |= 1u << ((segment[0] >> 4) * 4 + (segment[0] & 3));
    segment = segment.subspan(17 + codes);
  }
  return {};
}

Status Walk::add_quantization(Bytes segment) {
  while (!segment.empty()) {
    const std::size_t size = (segment[0] >> 4) == 0 ? 65 : 129;
    if ((segment[0] >> 4) > 1 || (segment[0] & 15) > 3 || segment.size() < size) {
      return damaged("a quantization table is impossible");
    }
    quantization_ |= 1u << (segment[0] & 3);
    segment = segment.subspan(size);
  }
  return {};
}

Status Walk::add_frame(Bytes segment) {
  if (found_.has_frame || segment.size() < 6 || segment.size() != 6 + std::size_t{3} * segment[5]) {
    return damaged("its frame header is wrong");
  }
  if (segment[0] != 8) {
    return unsupported("a JPEG of " + std::to_string(segment[0]) + " bits per sample; only 8 are read");
  }
  found_.has_frame = true;
  found_.height = big_endian_16(segment, 1);
  found_.width = big_endian_16(segment, 3);
  found_.count = segment[5];
  if (found_.count != 1 && found_.count != 3) {
    return unsupported("a JPEG of " + std::to_string(found_.count) + " components; this build reads 1 and 3");
  }
  if (Status status = check_size(found_.width, found_.height, limits_); !status.ok()) return status;
  for (int i = 0; i < found_.count; ++i) {
    const Bytes part = segment.subspan(6 + 3 * static_cast<std::size_t>(i), 3);
    JpegComponent& component = found_.components[static_cast<std::size_t>(i)];
    component = {part[0], part[1] >> 4, part[1] & 15};
    const bool is_right = component.horizontal >= 1 && component.horizontal <= 4 && component.vertical >= 1 &&
                          component.vertical <= 4 && part[2] <= 3;
    if (!is_right) return damaged("its frame header is wrong");
    quantization_used_ |= 1u << part[2];
  }
  for (int i = 0; i < found_.count; ++i) found_.blocks += mcus(1u << i);
  return {};
}

// Units of a scan of these components: blocks, or of several components what belongs together.
std::int64_t Walk::mcus(unsigned components) const {
  int horizontal = 1;
  int vertical = 1;
  for (int i = 0; i < found_.count; ++i) {
    horizontal = std::max(horizontal, found_.components[static_cast<std::size_t>(i)].horizontal);
    vertical = std::max(vertical, found_.components[static_cast<std::size_t>(i)].vertical);
  }
  for (int i = 0; i < found_.count; ++i) {
    if (components != 1u << i) continue;
    const JpegComponent& one = found_.components[static_cast<std::size_t>(i)];
    return ceil_div(ceil_div(found_.width * one.horizontal, horizontal), 8) *
           ceil_div(ceil_div(found_.height * one.vertical, vertical), 8);
  }
  return ceil_div(found_.width, 8 * horizontal) * ceil_div(found_.height, 8 * vertical);
}

std::int64_t Walk::blocks_of_mcu(unsigned components) const {
  std::int64_t blocks = 0;
  for (int i = 0; i < found_.count; ++i) {
    const JpegComponent& one = found_.components[static_cast<std::size_t>(i)];
    if (components == 1u << i) return 1;
    if ((components & 1u << i) != 0) blocks += one.horizontal * one.vertical;
  }
  return blocks;
}

Status Walk::add_scan(Bytes segment) {
  constexpr const char* kMissing = "a scan uses tables or components that are not there";
  if (!found_.has_frame || (quantization_used_ & ~quantization_) != 0) return damaged(kMissing);
  if (segment.empty() || segment.size() != 4 + std::size_t{2} * segment[0] || segment[0] == 0) {
    return damaged("a scan header is wrong");
  }
  if (Status status = check_scans(++found_.scans, limits_); !status.ok()) return status;
  const bool needs_dc = !found_.is_progressive || segment[segment.size() - 3] == 0;
  const bool needs_ac = !found_.is_progressive || segment[segment.size() - 3] != 0;
  unsigned components = 0;
  for (std::size_t i = 1; i + 3 < segment.size(); i += 2) {
    const unsigned dc = segment[i + 1] >> 4;
    const unsigned ac = segment[i + 1] & 15;
    if (dc > 3 || ac > 3) return damaged(kMissing);
    if (needs_dc && (huffman_ & (1u << dc)) == 0) return damaged(kMissing);
    if (needs_ac && (huffman_ & (1u << (4 + ac))) == 0) return damaged(kMissing);
    int index = 0;
    while (index < found_.count && found_.components[static_cast<std::size_t>(index)].id != segment[i]) ++index;
    if (index == found_.count || (components & 1u << index) != 0) return damaged(kMissing);
    components |= 1u << index;
  }
  // Later scans of DC coefficients only add a bit to what the first has said.
  const bool is_first = !found_.is_progressive || (segment.back() >> 4) == 0;
  if (needs_dc && is_first) scanned_ |= components;
  in_scan_ = true;
  restarts_ = 0;
  // A block has a code of its DC coefficient and one of the others, or their end.
  const int bits = !found_.is_progressive ? 2 : needs_dc && is_first ? 1 : 0;
  least_bits_ = bits * mcus(components) * blocks_of_mcu(components);
  restarts_due_ = interval_ > 0 ? ceil_div(mcus(components), interval_) - 1 : 0;
  return {};
}

// stb_image stops at a restart marker that is not there, and fills in the rest.
Status Walk::add_restart(std::uint8_t marker) {
  if (!in_scan_) return {};
  if (interval_ == 0) return damaged("its data ends early, at a restart marker");
  if (marker != 0xd0 + restarts_ % 8) return damaged("a restart marker is missing, and this build cannot do without");
  ++restarts_;
  return {};
}

Status Walk::end_scan(std::size_t data_bytes) {
  // stb_image reads zeros then, which it may take for blocks that are long to decode.
  if (in_scan_ && least_bits_ > 8 * static_cast<std::int64_t>(data_bytes)) {
    return damaged("a scan of " + std::to_string(data_bytes) + " bytes cannot hold " + std::to_string(found_.width) +
                   " x " + std::to_string(found_.height) + " pixels");
  }
  // One may stand at the very end.
  const bool is_wrong = in_scan_ && interval_ > 0 && restarts_ != restarts_due_ && restarts_ != restarts_due_ + 1;
  in_scan_ = false;
  return is_wrong ? damaged("a restart marker is missing, and this build cannot do without") : Status();
}

Status Walk::end_file() {
  if (!found_.has_frame) return damaged("it has no frame header");
  if (scanned_ != (1u << found_.count) - 1) return damaged("a component of its colours has no scan");
  return {};
}

void Walk::add_app(std::uint8_t marker, Bytes segment) {
  if (marker == 0xe0 && begins_with(segment, "JFIF", 5)) found_.has_jfif = true;
  if (marker == 0xee && begins_with(segment, "Adobe", 5) && segment.size() >= 12) found_.adobe_transform = segment[11];
  if (marker == 0xe1 && found_.orientation == 1 && begins_with(segment, "Exif\0", 6)) {
    found_.orientation = exif_orientation(segment.subspan(6));
  }
}

}  // namespace

Result<JpegMarkers> read_jpeg_markers(Bytes file, const PictureLimits& limits) {
  Walk walk(limits);
  if (Status status = walk.run(file); !status.ok()) return status;
  return walk.found();
}

}  // namespace intvit
