// ZIP files as torch.save and numpy write them, and ones that lie.
#pragma once

#include <zlib.h>

#include <cstdint>
#include <string>
#include <vector>

namespace intvit::checkpoints {

inline std::string little(std::uint64_t value, int width) {
  std::string text;
  for (int i = 0; i < width; ++i, value >>= 8) text += static_cast<char>(value);
  return text;
}

// A raw stream of deflate.
inline std::string deflated(const std::string& content) {
  std::string packed(compressBound(content.size()), '\0');
  z_stream stream{};
  deflateInit2(&stream, 9, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(content.data()));
  stream.avail_in = static_cast<uInt>(content.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  deflate(&stream, Z_FINISH);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  return packed;
}

struct ZipItem {
  std::string name, content;
  int method = 0;                // 8: deflated
  std::int64_t claimed = -1;     // the size that the directory says; -1: the content's
  std::uint32_t crc_change = 0;  // what differs in the checksum
};

// With the 64-bit end that torch.save writes.
inline std::string zip(const std::vector<ZipItem>& items) {
  std::string file, list;
  for (const ZipItem& item : items) {
    const std::string packed = item.method == 8 ? deflated(item.content) : item.content;
    const auto* bytes = reinterpret_cast<const Bytef*>(item.content.data());
    const std::uint64_t size = item.claimed < 0 ? item.content.size() : static_cast<std::uint64_t>(item.claimed);
    const std::string method = little(static_cast<std::uint64_t>(item.method), 2);
    const std::string sizes = little(crc32(0, bytes, static_cast<uInt>(item.content.size())) ^ item.crc_change, 4) +
                              little(packed.size(), 4) + little(size, 4);
    list += little(0x02014b50, 4) + little(0, 6) + method + little(0, 4) + sizes + little(item.name.size(), 2) +
            little(0, 12) + little(file.size(), 4) + item.name;
    file += little(0x04034b50, 4) + little(0, 4) + method + little(0, 4) + sizes + little(item.name.size(), 2) +
            little(0, 2) + item.name + packed;
  }
  const std::size_t begin = file.size(), end64 = begin + list.size();
  return file + list + little(0x06064b50, 4) + little(44, 8) + little(0, 4) + little(0, 8) + little(items.size(), 8) +
         little(items.size(), 8) + little(list.size(), 8) + little(begin, 8) + little(0x07064b50, 4) + little(0, 4) +
         little(end64, 8) + little(1, 4) + little(0x06054b50, 4) + little(0, 4) + little(items.size(), 2) +
         little(items.size(), 2) + little(0xffffffff, 4) + little(0xffffffff, 4) + little(0, 2);
}

}  // namespace intvit::checkpoints
