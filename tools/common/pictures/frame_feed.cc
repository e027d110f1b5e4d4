#include "tools/common/pictures/frame_feed.h"

#include <charconv>
#include <filesystem>
#include <iterator>
#include <memory>
#include <utility>

#include "tools/common/results/npy.h"

namespace intvit {
namespace {

constexpr int kLongestEdge = 65535;

}  // namespace

std::optional<FrameFormat> frame_format(const std::string& name) {
  constexpr std::pair<const char*, PixelFormat> kFormats[] = {{"rgb24", PixelFormat::rgb},
                                                              {"bgr24", PixelFormat::bgr},
                                                              {"rgba", PixelFormat::rgba},
                                                              {"bgra", PixelFormat::bgra},
                                                              {"gray", PixelFormat::grey}};
  for (const auto& [known, pixels] : kFormats) {
    if (name == known) return FrameFormat{pixels};
  }
  if (name == "npy") return FrameFormat{};
  return std::nullopt;
}

Status parse_frame_size(const std::string& text, FrameFormat& format) {
  const char* end = text.data() + text.size();
  const auto [middle, error] = std::from_chars(text.data(), end, format.width);
  if (error == std::errc() && middle != end && *middle == 'x') {
    const auto [rest, other_error] = std::from_chars(middle + 1, end, format.height);
    const auto is_edge = [](int edge) { return edge >= 1 && edge <= kLongestEdge; };
    if (other_error == std::errc() && rest == end && is_edge(format.width) && is_edge(format.height)) return {};
  }
  return {Code::invalid_argument, "--size '" + text + "' must be width x height in pixels, such as 640x480"};
}

FrameFeed::FrameFeed(std::vector<std::string> inputs, std::istream& data, const FrameFormat& format, int input_width,
                     int input_height)
    : inputs_(std::move(inputs)),
      data_(data),
      format_(format),
      input_bytes_(std::size_t{3} * static_cast<std::size_t>(input_width) * static_cast<std::size_t>(input_height)),
      input_shape_{static_cast<std::size_t>(input_height), static_cast<std::size_t>(input_width), 3} {}

std::optional<InputPicture> FrameFeed::next() {
  while (true) {
    if (open_ != nullptr) {
      if (std::optional<InputPicture> frame = next_frame()) return frame;
      open_ = nullptr;
    }
    if (next_input_ == inputs_.size()) return std::nullopt;
    name_ = inputs_[next_input_++];
    if (std::string problem; !open(problem)) return failure(problem);
  }
}

InputPicture FrameFeed::failure(const std::string& problem) {
  open_ = nullptr;
  return {name_, Status(Code::io, name_ + ": " + problem)};
}

bool FrameFeed::open(std::string& problem) {
  next_frame_ = 0;
  frames_.reset();
  open_ = &data_;
  if (name_ != "-") {
    std::error_code ignored;
    if (std::filesystem::is_directory(name_, ignored)) return problem = "it is a folder", false;
    file_ = std::ifstream(name_, std::ios::binary);
    if (!file_) return problem = "it cannot be opened", false;
    open_ = &file_;
  }
  if (format_.pixels) return true;
  Result<std::vector<std::size_t>> shape = read_npy_header(*open_, "|u1");
  if (!shape.ok()) return problem = shape.status().message(), false;
  std::vector<std::size_t> sizes = shape.take();
  if (sizes.size() == 3) sizes.insert(sizes.begin(), 1);
  if (sizes.size() != 4 || std::vector(sizes.begin() + 1, sizes.end()) != input_shape_) {
    problem = "it is no array [n, " + std::to_string(input_shape_[0]) + ", " + std::to_string(input_shape_[1]) +
              ", 3], which this model takes";
    return false;
  }
  frames_ = sizes[0];
  return true;
}

// Nothing at the end.
std::optional<InputPicture> FrameFeed::next_frame() {
  if (frames_ && next_frame_ == *frames_) return std::nullopt;
  const std::size_t pixels = static_cast<std::size_t>(format_.width) * static_cast<std::size_t>(format_.height);
  const std::size_t bytes =
      format_.pixels ? pixels * static_cast<std::size_t>(bytes_per_pixel(*format_.pixels)) : input_bytes_;
  auto samples = std::make_unique_for_overwrite<std::uint8_t[]>(bytes);
  open_->read(reinterpret_cast<char*>(samples.get()), static_cast<std::streamsize>(bytes));
  const auto got = static_cast<std::size_t>(open_->gcount());
  if (open_->bad()) return failure("it cannot be read");
  if (got == 0 && !frames_) return std::nullopt;
  const std::string name = name_ + "#" + std::to_string(next_frame_++);
  if (got < bytes) {
    open_ = nullptr;
    return InputPicture{name, Status(Code::io, name + ": it ends after " + std::to_string(got) + " of " +
                                                   std::to_string(bytes) + " bytes")};
  }
  InputPicture picture{name, {}};
  if (format_.pixels) {
    picture.frame =
        std::make_shared<const Frame>(Frame{std::move(samples), format_.width, format_.height, *format_.pixels});
  } else {
    auto prepared = std::make_shared<PreparedPicture>();
    prepared->bytes = bytes;
    prepared->pixels = std::move(samples);
    picture.prepared = std::move(prepared);
  }
  return picture;
}

}  // namespace intvit
