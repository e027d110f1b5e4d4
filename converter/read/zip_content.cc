#include "converter/read/zip_content.h"

#include <zlib.h>

#include <algorithm>
#include <limits>
#include <new>

namespace intvit {
namespace {

using Bytes = std::span<const std::uint8_t>;

// zlib counts in 32 bits.
constexpr std::size_t kMostAtOnce = std::numeric_limits<uInt>::max();

// One raw stream of deflate.
class Inflation {
 public:
  explicit Inflation(Bytes packed) : packed_(packed) {
    if (inflateInit2(&stream_, -MAX_WBITS) != Z_OK) throw std::bad_alloc();
  }
  ~Inflation() { inflateEnd(&stream_); }
  Inflation(const Inflation&) = delete;

  // Fills `room` as far as the stream goes, and returns how many bytes that was.
  std::size_t run(std::span<std::byte> room) {
    std::size_t done = 0;
    while (done < room.size() && state_ == Z_OK) {
      const std::size_t fed = std::min(packed_.size(), kMostAtOnce);
      const std::size_t asked = std::min(room.size() - done, kMostAtOnce);
      stream_.next_in = const_cast<Bytef*>(packed_.data());  // which zlib does not write to
      stream_.avail_in = static_cast<uInt>(fed);
      stream_.next_out = reinterpret_cast<Bytef*>(room.data() + done);
      stream_.avail_out = static_cast<uInt>(asked);
      state_ = inflate(&stream_, Z_NO_FLUSH);  // Z_BUF_ERROR once nothing is left to feed
      packed_ = packed_.subspan(fed - stream_.avail_in);
      done += asked - stream_.avail_out;
    }
    return done;
  }

  // Whether the stream ends here, together with what was packed.
  bool at_end() {
    std::byte more;
    return run({&more, 1}) == 0 && state_ == Z_STREAM_END && packed_.empty();
  }

 private:
  Bytes packed_;
  z_stream stream_{};
  int state_ = Z_OK;
};

}  // namespace

std::uint32_t crc32_of(Bytes bytes) { return static_cast<std::uint32_t>(crc32_z(0, bytes.data(), bytes.size())); }

std::vector<std::byte> content_head(const ZipEntry& entry, std::size_t most) {
  std::vector<std::byte> head(std::min<std::uint64_t>(most, entry.size));
  if (entry.deflated) {
    head.resize(Inflation(entry.packed).run(head));
  } else {
    std::copy_n(std::as_bytes(entry.packed).begin(), head.size(), head.begin());
  }
  return head;
}

std::string unpack(const ZipEntry& entry, std::vector<std::byte>& content) {
  if (entry.deflated) {
    content.resize(entry.size);
    Inflation inflation(entry.packed);
    if (inflation.run(content) != content.size()) return " ends early or is damaged; get it again";
    if (!inflation.at_end()) return " goes on behind its " + std::to_string(entry.size) + " bytes; get it again";
  } else {
    const auto bytes = std::as_bytes(entry.packed);
    content.assign(bytes.begin(), bytes.end());
  }
  const Bytes bytes(reinterpret_cast<const std::uint8_t*>(content.data()), content.size());
  return crc32_of(bytes) == entry.crc ? "" : kOtherChecksum;
}

}  // namespace intvit
