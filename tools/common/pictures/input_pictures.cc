#include "tools/common/pictures/input_pictures.h"

#include <algorithm>
#include <filesystem>
#include <string_view>
#include <utility>

#include "tools/common/cli/shown_text.h"
#include "tools/common/pictures/picture_list.h"

namespace intvit {
namespace {

// Longer names cannot be opened.
constexpr std::size_t kLongestName = 4095;

void expand(const std::string& input, std::deque<InputPicture>& pictures) {
  if (input.size() > kLongestName) {
    const std::string name = shortened(input);
    const Status problem(Code::invalid_argument,
                         name + ": a name has at most " + std::to_string(kLongestName) + " bytes");
    pictures.push_back({name, problem});
    return;
  }
  std::error_code ignored;  // what cannot be looked at is reported when it is read
  if (!std::filesystem::is_directory(input, ignored)) {
    pictures.push_back({input, {}});
    return;
  }
  const Result<std::vector<LabelledPicture>> found = read_picture_list(input);
  if (!found.ok()) {
    pictures.push_back({input, found.status()});
    return;
  }
  for (const LabelledPicture& picture : found.value()) pictures.push_back({picture.path, {}});
}

}  // namespace

InputFeed::InputFeed(std::vector<std::string> inputs, std::istream& names, NameEnd end)
    : inputs_(std::move(inputs)), names_(names), end_(end == NameEnd::null ? '\0' : '\n') {
  if (std::find(inputs_.begin(), inputs_.end(), "-") != inputs_.end()) return;
  for (const std::string& input : inputs_) expand(input, waiting_);
  inputs_.clear();
  count_ = waiting_.size();
}

std::optional<InputPicture> InputFeed::next() {
  while (waiting_.empty()) {
    if (std::string name; reading_) {
      reading_ = read_name(name);
      if (reading_ && !name.empty()) expand(name, waiting_);
    } else if (!status_.ok() || next_input_ == inputs_.size()) {
      return std::nullopt;
    } else if (inputs_[next_input_++] == "-") {
      reading_ = true;
    } else {
      expand(inputs_[next_input_ - 1], waiting_);
    }
  }
  InputPicture picture = std::move(waiting_.front());
  waiting_.pop_front();
  return picture;
}

void InputFeed::set_only(std::shared_ptr<const PreparedPicture> prepared) {
  if (count_ == 1 && waiting_.size() == 1) waiting_.front().prepared = std::move(prepared);
}

// False at the end. Of what is too long for a name only the beginning is kept.
bool InputFeed::read_name(std::string& name) {
  bool any = false;
  for (char c = 0; names_.get(c); any = true) {
    if (c == end_) return finish_name(name);
    if (c == '\0') {
      status_ = {Code::invalid_argument, "a name on stdin has a NUL byte in it; --null is for names that end with one"};
      return false;
    }
    if (name.size() <= 2 * kLongestName) name += c;
  }
  if (names_.bad()) status_ = {Code::io, "cannot read names from stdin"};
  return any && status_.ok() && finish_name(name);
}

// What editors and programs of Windows leave at the ends of text.
bool InputFeed::finish_name(std::string& name) {
  if (end_ == '\n') {
    if (at_start_ && name.starts_with("\xEF\xBB\xBF")) name.erase(0, 3);
    if (name.ends_with('\r')) name.pop_back();
  }
  at_start_ = false;
  return true;
}

Result<std::vector<InputPicture>> expand_inputs(const std::vector<std::string>& inputs, std::istream& names,
                                                NameEnd end) {
  InputFeed feed(inputs, names, end);
  std::vector<InputPicture> pictures;
  while (std::optional<InputPicture> picture = feed.next()) pictures.push_back(*std::move(picture));
  if (!feed.status().ok()) return feed.status();
  return pictures;
}

}  // namespace intvit
