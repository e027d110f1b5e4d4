#include "tools/common/cli/shown_text.h"

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <iostream>

namespace intvit {
namespace {

constexpr std::size_t kLongestMessage = 2000;

bool continues(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

// The length of the character of UTF-8 at the beginning of `text`; 0 if there is none. C1's control characters, U+0080
// to U+009F, count as none.
std::size_t character_length(std::string_view text) {
  const auto first = static_cast<unsigned char>(text[0]);
  const std::size_t length = first < 0x80 ? 1 : first < 0xC2 ? 0 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
  if (length == 0 || first > 0xF4 || length > text.size()) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if (!continues(text[i])) return 0;
  }
  if (first == 0xC2 && static_cast<unsigned char>(text[1]) < 0xA0) return 0;
  return length;
}

void add_escape(std::string& out, char c) {
  constexpr char kDigits[] = "0123456789abcdef";
  const auto byte = static_cast<unsigned char>(c);
  if (c == '\n') {
    out += "\\n";
  } else if (c == '\t') {
    out += "\\t";
  } else {
    out += {'\\', 'x', kDigits[byte >> 4], kDigits[byte & 15]};
  }
}

}  // namespace

std::string shortened(std::string_view text, std::size_t longest) {
  if (text.size() <= longest) return std::string(text);
  std::size_t head = longest / 2, tail = text.size() - longest / 2;
  while (head > 0 && continues(text[head])) --head;
  while (tail < text.size() && continues(text[tail])) ++tail;
  return std::string(text.substr(0, head)) + "..." + std::string(text.substr(tail));
}

std::string escaped(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::size_t length = character_length(text);
    const bool is_control = static_cast<unsigned char>(text[0]) < 0x20 || text[0] == 0x7F;
    if (length == 0 || is_control) {
      add_escape(out, text[0]);
      text.remove_prefix(1);
    } else {
      out += text.substr(0, length);
      text.remove_prefix(length);
    }
  }
  return out;
}

std::string text_bar(double share, int cells) {
  constexpr int kEighths = 8;
  const int eighths = static_cast<int>(std::lround(std::clamp(share, 0.0, 1.0) * cells * kEighths));
  std::string bar;
  for (int left = eighths; left > 0; left -= kEighths) {
    bar += {'\xE2', '\x96', static_cast<char>(0x90 - std::min(left, kEighths))};  // U+2588 is full, U+258F an eighth
  }
  const int used = (eighths + kEighths - 1) / kEighths;
  return bar.append(static_cast<std::size_t>(cells - used), ' ');
}

bool shows_bars(int file) {
  if (::isatty(file) != 1) return false;
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    const char* value = std::getenv(name);
    if (value == nullptr || *value == '\0') continue;
    const std::string_view locale = value;
    for (const char* encoding : {"UTF-8", "utf8", "UTF8", "utf-8"}) {
      if (locale.find(encoding) != std::string_view::npos) return true;
    }
    return false;
  }
  return false;
}

std::string shown_on(int file, std::string_view text) {
  return ::isatty(file) == 1 ? escaped(text) : std::string(text);
}

void print_message(std::string_view tool, std::string_view message) {
  std::string line = shortened(message, kLongestMessage);
  if (::isatty(STDERR_FILENO) == 1 || line.find('\n') != std::string::npos) line = escaped(line);
  line = std::string(tool) + ": " + line + '\n';
  std::cerr << line;  // all of it or, where memory ends above, nothing
}

}  // namespace intvit
