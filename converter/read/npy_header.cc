#include "converter/read/npy_header.h"

#include <charconv>
#include <cstddef>
#include <system_error>

namespace intvit {
namespace {

constexpr std::string_view kNpyMagic("\x93NUMPY", 6);
constexpr std::size_t kLongestNpyHeader = 1 << 16;  // NumPy's own are shorter than 1000 bytes

// The header is a Python dictionary of a string, a bool and a tuple of numbers. Every read takes what it finds off the
// front of the text; once something else is there, all fail.
class NpyHeaderParser {
 public:
  explicit NpyHeaderParser(std::string_view text) : rest_(text) {}

  std::optional<NpyHeader> run() {
    NpyHeader header;
    bool type = false, order = false, shape = false;
    if (!accept("{")) return std::nullopt;
    while (!accept("}")) {
      const std::string_view key = quoted();
      if (!accept(":")) return std::nullopt;
      if (key == "descr" && !type) {
        header.type = quoted();
        type = !header.type.empty();
      } else if (key == "fortran_order" && !order) {
        header.fortran_order = accept("True");
        order = header.fortran_order || accept("False");
      } else if (key == "shape" && !shape) {
        shape = tuple(header.shape);
      } else {
        return std::nullopt;
      }
      if (accept(",")) continue;
      if (!accept("}")) return std::nullopt;
      break;
    }
    skip_blanks();
    if (!rest_.empty() || !type || !order || !shape) return std::nullopt;
    return header;
  }

 private:
  void skip_blanks() {
    while (!rest_.empty() && (rest_.front() == ' ' || rest_.front() == '\n')) rest_.remove_prefix(1);
  }

  bool accept(std::string_view expected) {
    skip_blanks();
    if (!rest_.starts_with(expected)) return false;
    rest_.remove_prefix(expected.size());
    return true;
  }

  // Empty if there is none.
  std::string_view quoted() {
    if (!accept("'")) return {};
    const std::string_view text = rest_.substr(0, rest_.find('\''));
    if (text.size() == rest_.size()) return {};
    rest_.remove_prefix(text.size() + 1);
    return text;
  }

  bool tuple(std::vector<std::int64_t>& numbers) {
    if (!accept("(")) return false;
    while (!accept(")")) {
      skip_blanks();
      std::int64_t number = 0;
      const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), number);
      if (error != std::errc() || number < 0) return false;
      rest_.remove_prefix(static_cast<std::size_t>(end - rest_.data()));
      numbers.push_back(number);
      if (!accept(",")) return accept(")");
    }
    return true;
  }

  std::string_view rest_;
};

}  // namespace

// Magic and version, then the length of the header in 2 bytes (version 1) or 4.
std::optional<std::string_view> take_npy_header(std::span<const std::uint8_t>& bytes) {
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (text.size() < 12 || !text.starts_with(kNpyMagic) || bytes[6] < 1 || bytes[6] > 3) return std::nullopt;
  const std::size_t width = bytes[6] == 1 ? 2 : 4;
  std::size_t length = 0;
  for (std::size_t i = width; i > 0; --i) length = length << 8 | bytes[8 + i - 1];
  const std::size_t begin = 8 + width;
  if (length > kLongestNpyHeader || length > text.size() - begin) return std::nullopt;
  bytes = bytes.subspan(begin + length);
  return text.substr(begin, length);
}

std::optional<NpyHeader> parse_npy_header(std::string_view text) { return NpyHeaderParser(text).run(); }

}  // namespace intvit
