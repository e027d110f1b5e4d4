#include "engine/format/metadata.h"

#include "engine/format/byte_stream.h"
#include "engine/format/layout.h"

namespace intvit {

std::vector<std::uint8_t> encode_metadata(const Metadata& metadata) {
  ByteWriter writer;
  writer.u32(static_cast<std::uint32_t>(metadata.size()));
  for (const auto& [key, value] : metadata) {
    writer.string(key);
    writer.string(value);
  }
  return writer.take();
}

Result<Metadata> decode_metadata(std::span<const std::uint8_t> bytes) {
  ByteReader reader(bytes);
  Metadata metadata;
  const std::uint32_t count = reader.u32();
  for (std::uint32_t i = 0; i < count && !reader.failed(); ++i) {
    std::string key = reader.string(kMaxNameBytes);
    std::string value = reader.string(bytes.size());
    if (!reader.failed() && !metadata.emplace(std::move(key), std::move(value)).second) {
      return Status(Code::corrupt_file, "the metadata section names a key twice");
    }
  }
  if (reader.failed() || !reader.at_end()) {
    return Status(Code::corrupt_file, "the metadata section is damaged near byte " + std::to_string(reader.position()));
  }
  return metadata;
}

}  // namespace intvit
