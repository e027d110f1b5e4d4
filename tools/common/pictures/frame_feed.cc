#include "tools/common/pictures/frame_feed.h"

#include <bit>
#include <charconv>
#include <filesystem>
#include <iterator>
#include <memory>
#include <utility>

#include "tools/common/cli/open_error.h"
#include "tools/common/results/npy.h"

namespace intvit {
namespace {

constexpr int kLongestEdge = 65535;
constexpr std::size_t kChannels = 3;
constexpr const char *kPixelType = "|u1", *kNormalisedType = "<f4";

std::string text_of(const std::vector<std::size_t>& shape) {
  std::string text;
  for (const std::size_t size : shape) text += (text.empty() ? "" : ", ") + std::to_string(size);
  return "[" + text + "]";
}

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
                     int input_height, const std::optional<Normalisation>& normalisation)
    : inputs_(std::move(inputs)),
      data_(data),
      format_(format),
      input_bytes_(std::size_t{3} * static_cast<std::size_t>(input_width) * static_cast<std::size_t>(input_height)),
      input_shape_{static_cast<std::size_t>(input_height), static_cast<std::size_t>(input_width)},
      normalisation_(normalisation) {}

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
    if (!file_) return problem = open_error("it cannot be opened", Code::io).message(), false;
    open_ = &file_;
  }
  return format_.pixels || open_array(problem);
}

// Pixels as the network sees them, or what a network in floating point is fed.
bool FrameFeed::open_array(std::string& problem) {
  Result<NpyHeader> header = read_npy_header(*open_, {kPixelType, kNormalisedType});
  if (!header.ok()) return problem = header.status().message(), false;
  normalised_ = header.value().type == kNormalisedType;
  std::vector<std::size_t> sizes = header.value().shape;
  const std::string found = text_of(sizes);
  std::vector<std::size_t> expected = input_shape_;
  expected.insert(normalised_ ? expected.begin() : expected.end(), kChannels);
  if (sizes.size() == 3) sizes.insert(sizes.begin(), 1);
  if (sizes.size() != 4 || std::vector(sizes.begin() + 1, sizes.end()) != expected) {
    problem = "its shape is " + found + ", but of " + header.value().type + " this model takes " + text_of(expected) +
              " or a number of these";
    return false;
  }
  if (normalised_ && !normalisation_) {
    problem = "the model does not say by which mean and std pixels are normalised; convert it again, or give uint8";
    return false;
  }
  frames_ = sizes[0];
  return true;
}

// `samples` are pixels or, of float32, the bytes of the values.
InputPicture FrameFeed::prepared(const std::string& name, std::unique_ptr<std::uint8_t[]> samples) const {
  auto picture = std::make_shared<PreparedPicture>();
  picture->bytes = input_bytes_;
  picture->pixels = std::move(samples);
  if (normalised_) {
    std::vector<float> values(input_bytes_);
    for (std::size_t i = 0; i < values.size(); ++i) {
      const std::uint8_t* const bytes = picture->pixels.get() + 4 * i;
      const std::uint32_t low = bytes[0] | std::uint32_t{bytes[1]} << 8;
      values[i] = std::bit_cast<float>(low | std::uint32_t{bytes[2]} << 16 | std::uint32_t{bytes[3]} << 24);
    }
    Result<std::unique_ptr<std::uint8_t[]>> pixels = pixels_of(values, *normalisation_);
    if (!pixels.ok()) return {name, Status(pixels.status().code(), name + ": " + pixels.status().message())};
    picture->pixels = pixels.take();
  }
  return {name, {}, std::move(picture)};
}

// Nothing at the end.
std::optional<InputPicture> FrameFeed::next_frame() {
  if (frames_ && next_frame_ == *frames_) return std::nullopt;
  const std::size_t pixels = static_cast<std::size_t>(format_.width) * static_cast<std::size_t>(format_.height);
  const std::size_t bytes = format_.pixels ? pixels * static_cast<std::size_t>(bytes_per_pixel(*format_.pixels))
                                           : input_bytes_ * (normalised_ ? sizeof(float) : 1);
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
  if (!format_.pixels) return prepared(name, std::move(samples));
  InputPicture picture{name, {}};
  picture.frame =
      std::make_shared<const Frame>(Frame{std::move(samples), format_.width, format_.height, *format_.pixels});
  return picture;
}

}  // namespace intvit
