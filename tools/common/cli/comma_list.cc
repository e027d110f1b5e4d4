#include "tools/common/cli/comma_list.h"

#include <algorithm>
#include <charconv>

namespace intvit {

Result<std::vector<std::string>> parse_names(const std::string& option, const std::string& text) {
  std::vector<std::string> names;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find(',', at), text.size());
    if (end == at) return Status(Code::invalid_argument, option + " '" + text + "' has an empty entry; write a,b,c");
    names.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return names;
}

Result<std::vector<int>> parse_numbers(const std::string& option, const std::string& text, int low, int high) {
  const Result<std::vector<std::string>> words = parse_names(option, text);
  if (!words.ok()) return words.status();
  std::vector<int> numbers;
  for (const std::string& word : words.value()) {
    int number = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number);
    if (error != std::errc() || end != word.data() + word.size() || number < low || number > high) {
      return Status(Code::invalid_argument, option + " '" + word + "' must be a whole number from " +
                                                std::to_string(low) + " to " + std::to_string(high));
    }
    numbers.push_back(number);
  }
  return numbers;
}

}  // namespace intvit
