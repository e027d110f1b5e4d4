#include "tools/common/pictures/picture_list.h"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string_view>
#include <system_error>

#include "tools/common/cli/open_error.h"

namespace intvit {
namespace {

namespace fs = std::filesystem;

using Pictures = std::vector<LabelledPicture>;

constexpr std::size_t kMaxListBytes = std::size_t{256} << 20;  // a list of all of ImageNet has 50 MB

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r'; }

std::string_view trim(std::string_view text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

bool is_picture(const fs::path& path) {
  std::string extension = path.extension().string();
  for (char& c : extension) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  constexpr std::string_view kKnown[] = {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".pgm", ".ppm", ".pnm"};
  return std::find(std::begin(kKnown), std::end(kKnown), extension) != std::end(kKnown);
}

Result<Pictures> list_folder(const std::string& path, std::vector<std::string>* skipped) {
  Pictures pictures;
  std::error_code error;
  fs::recursive_directory_iterator entry(path, error);
  for (; !error && entry != fs::recursive_directory_iterator(); entry.increment(error)) {
    std::error_code ignored;  // a file that vanished or a dangling link is simply not a picture
    if (skipped != nullptr && entry->is_directory(ignored) && !entry->is_symlink(ignored) &&
        ::access(entry->path().c_str(), R_OK | X_OK) != 0) {
      skipped->push_back(entry->path().string());
      entry.disable_recursion_pending();
      continue;
    }
    if (is_picture(entry->path()) && entry->is_regular_file(ignored)) pictures.push_back({entry->path().string(), -1});
  }
  if (error) return list_error(path, error);
  if (pictures.empty())
    return {Code::not_found,
            "no picture (.jpg, .jpeg, .png, .webp, .bmp, .pgm, .ppm, .pnm) in or below the folder " + path};
  std::sort(pictures.begin(), pictures.end(), [](const auto& a, const auto& b) { return a.path < b.path; });
  return pictures;
}

Result<std::string> read_text(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    const Status problem = open_error("cannot open the picture list " + path, Code::not_found);
    return {problem.code(), problem.message() + "; give a list file or a folder"};
  }
  std::string text;
  std::vector<char> chunk(65536);
  while (file.read(chunk.data(), static_cast<std::streamsize>(chunk.size())) || file.gcount() > 0) {
    text.append(chunk.data(), static_cast<std::size_t>(file.gcount()));
    if (text.size() > kMaxListBytes) return {Code::unsupported, "the picture list " + path + " exceeds 256 MiB"};
  }
  if (file.bad()) return {Code::io, "cannot read the picture list " + path};
  if (text.find('\0') != std::string::npos) {
    return {Code::invalid_argument, path + " is not a picture list: a text file with one `path label` per line"};
  }
  return text;
}

// A line without its surrounding blanks, not empty. `where` is the list:line that messages name.
Result<LabelledPicture> parse_line(std::string_view line, const fs::path& folder, int max_label,
                                   const std::string& where) {
  LabelledPicture picture;
  std::string_view name = line;
  const std::size_t last_blank = line.find_last_of(" \t");
  if (last_blank != std::string_view::npos) {
    name = trim(line.substr(0, last_blank));
    const std::string_view label = line.substr(last_blank + 1);
    const auto [end, error] = std::from_chars(label.data(), label.data() + label.size(), picture.label);
    if (error != std::errc() || end != label.data() + label.size() || picture.label < 0 || picture.label > max_label) {
      return {Code::invalid_argument, where + ": the label must be an integer in 0.." + std::to_string(max_label) +
                                          ", not '" + std::string(label.substr(0, 40)) +
                                          "' (the label follows the last blank of the line)"};
    }
  }
  picture.path = (folder / fs::path(name)).string();
  return picture;
}

}  // namespace

Result<Pictures> read_picture_list(const std::string& path, int max_label, std::vector<std::string>* skipped) {
  std::error_code error;
  if (fs::is_directory(path, error)) return list_folder(path, skipped);

  Result<std::string> text = read_text(path);
  if (!text.ok()) return text.status();
  std::string_view rest = text.value();
  if (rest.starts_with("\xEF\xBB\xBF")) rest.remove_prefix(3);  // the byte order mark that Windows editors write
  const fs::path folder = fs::path(path).parent_path();
  Pictures pictures;
  for (int number = 1; !rest.empty(); ++number) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    const std::string_view line = trim(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (line.empty() || line.front() == '#') continue;
    Result<LabelledPicture> picture = parse_line(line, folder, max_label, path + ":" + std::to_string(number));
    if (!picture.ok()) return picture.status();
    pictures.push_back(picture.take());
  }
  if (pictures.empty()) return {Code::invalid_argument, "the picture list " + path + " names no picture"};
  return pictures;
}

std::vector<std::string> paths_of(const std::vector<LabelledPicture>& pictures) {
  std::vector<std::string> paths;
  for (const LabelledPicture& picture : pictures) paths.push_back(picture.path);
  return paths;
}

}  // namespace intvit
