#include "converter/read/npy_file.h"

#include <bit>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string_view>

#include "converter/read/message.h"
#include "converter/read/npy_header.h"
#include "engine/format/mapped_file.h"

namespace intvit {
namespace {

static_assert(std::endian::native == std::endian::little, "floats are copied as they lie in memory");

}  // namespace

Result<NpyArray> read_npy(const std::string& path) {
  const auto corrupt = [&](const std::string& what) { return Status(Code::corrupt_file, in_quotes(path) + what); };
  const Result<MappedFile> file = MappedFile::open(path);
  if (!file.ok()) return file.status();
  std::span<const std::uint8_t> bytes = file.value().bytes();
  const std::optional<std::string_view> text = take_npy_header(bytes);
  if (!text) return corrupt(" is no .npy file; write it with numpy.save");
  const std::optional<NpyHeader> header = parse_npy_header(*text);
  if (!header) return corrupt(" has a header that is not NumPy's; write it with numpy.save");
  if (header->type != "<f4") {
    return corrupt(" has values of type " + in_quotes(header->type) + "; float32 is needed, '<f4' (astype('float32'))");
  }
  const std::vector<std::int64_t>& shape = header->shape;
  constexpr std::int64_t kMostExtent = std::int64_t{1} << 30;  // an int holds it, and products of two fit 64 bits
  if (shape.size() != 2 || header->fortran_order || shape[0] > kMostExtent || shape[1] > kMostExtent) {
    return corrupt(" is an array of shape " + shape_text(shape) + (header->fortran_order ? " in Fortran order" : "") +
                   "; two dimensions in C order are needed (numpy.ascontiguousarray)");
  }
  const std::uint64_t count = static_cast<std::uint64_t>(shape[0]) * static_cast<std::uint64_t>(shape[1]);
  if (bytes.size() != count * sizeof(float)) {
    return corrupt(" should have " + std::to_string(count) + " values, as its header says, but has " +
                   std::to_string(bytes.size()) + " bytes of them; write it again");
  }
  NpyArray array{static_cast<int>(shape[0]), static_cast<int>(shape[1]), std::vector<float>(count)};
  if (count > 0) std::memcpy(array.data.data(), bytes.data(), bytes.size());
  return array;
}

}  // namespace intvit
