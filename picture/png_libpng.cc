// PNG by libpng.
//
// As with libjpeg, an error leaves libpng by a jump to guarded(), so nothing with a destructor may live in between.
#include <png.h>

#include <algorithm>
#include <csetjmp>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "picture/decoder.h"
#include "picture/exif.h"

namespace intvit {
namespace {

// Deflate makes no more than this of a byte.
constexpr std::int64_t kMostInflation = 1032;
constexpr std::int64_t kMostBeyond = 1 << 14;

class PngDecoder : public Decoder {
 public:
  PngDecoder(Input& input, const PictureLimits& limits) : input_(input), limits_(limits) {}
  ~PngDecoder() override {
    if (png_ != nullptr) png_destroy_read_struct(&png_, &info_, nullptr);
  }

  Status open();

  int width() const override { return static_cast<int>(width_); }
  int height() const override { return static_cast<int>(height_); }
  Result<const std::uint8_t*> next_row() override;
  Status finish() override;

 private:
  static PngDecoder& of(void* decoder) { return *static_cast<PngDecoder*>(decoder); }

  template <typename F>
  [[gnu::noinline]] bool guarded(F function) {
    if (setjmp(jump_) != 0) return false;
    function();
    return true;
  }
  [[noreturn]] void fail(const char* reason) {
    std::strncpy(reason_, reason, sizeof reason_ - 1);
    std::longjmp(jump_, 1);
  }
  Status failure() const;

  void create();
  void read(std::uint8_t* to, std::size_t count);
  void set_transforms();
  void expect_rows();
  void find_orientation();
  Status check_header();
  Status read_interlaced();

  Input& input_;
  PictureLimits limits_;
  png_structp png_ = nullptr;
  png_infop info_ = nullptr;
  std::jmp_buf jump_;
  char reason_[128] = {};
  std::span<const std::uint8_t> block_;  // read, and not yet used

  png_uint_32 width_ = 0;
  png_uint_32 height_ = 0;
  int bit_depth_ = 0;
  int color_ = 0;
  bool interlaced_ = false;
  bool is_grey_16_ = false;
  std::size_t row_bytes_ = 0;
  std::vector<std::uint8_t> rows_;  // one, or of an interlaced picture all
  std::vector<png_bytep> row_pointers_;
  std::vector<std::uint8_t> rgb_;
  png_uint_32 row_ = 0;
  std::int64_t rows_to_come_ = -1;  // -1: not known; rows of all passes that have not been inflated
  std::int64_t bytes_beyond_ = 0;   // compressed, read after the last of these rows
};

constexpr const char* kEndsEarly = "it ends before its last chunk (IEND)";
constexpr const char* kTooLong = "its data has more rows than the header says";
constexpr const char* kNoMemory[] = {"Out of memory", "insufficient memory",
                                     "Insufficient memory"};  // libpng says these, behind the name of a chunk
constexpr const char* kIphone = "iPhone";

Status PngDecoder::failure() const {
  if (Status status = input_.status(); !status.ok()) return status;
  for (const char* words : kNoMemory) {
    if (std::string_view(reason_).find(words) != std::string_view::npos) return out_of_memory();
  }
  if (std::strcmp(reason_, kIphone) == 0) {
    return unsupported("a PNG that was rewritten for iPhones (CgBI), which is no PNG to other programs");
  }
  return damaged(reason_);
}

void PngDecoder::read(std::uint8_t* to, std::size_t count) {
  while (count > 0) {
    if (block_.empty()) block_ = input_.next();
    if (block_.empty()) fail(kEndsEarly);
    const std::size_t some = std::min(count, block_.size());
    std::memcpy(to, block_.data(), some);
    block_ = block_.subspan(some);
    // libpng inflates what may follow the last row, however long it gets.
    if (rows_to_come_ == 0 && (bytes_beyond_ += static_cast<std::int64_t>(some)) > kMostBeyond) fail(kTooLong);
    to += some;
    count -= some;
  }
}

void PngDecoder::create() {
  const auto on_error = [](png_structp png, png_const_charp reason) { of(png_get_error_ptr(png)).fail(reason); };
  png_ = png_create_read_struct(PNG_LIBPNG_VER_STRING, this, on_error, [](png_structp, png_const_charp) {});
  if (png_ == nullptr) fail(kNoMemory[0]);
  info_ = png_create_info_struct(png_);
  if (info_ == nullptr) fail(kNoMemory[0]);
  png_set_read_fn(png_, this,
                  [](png_structp png, png_bytep to, std::size_t count) { of(png_get_io_ptr(png)).read(to, count); });
  png_set_user_limits(png_, PNG_UINT_31_MAX, PNG_UINT_31_MAX);  // check_size() knows better
  // Texts and colour profiles, which nobody reads here, may be large when they are inflated.
  png_set_keep_unknown_chunks(png_, PNG_HANDLE_CHUNK_NEVER, nullptr, -1);
  const png_byte exif[] = {'e', 'X', 'I', 'f', 0};
  png_set_keep_unknown_chunks(png_, PNG_HANDLE_CHUNK_AS_DEFAULT, exif, 1);
}

Status PngDecoder::open() {
  const auto begin = [this] {
    create();
    // The signature and the first chunk's name.
    block_ = input_.next();
    if (block_.size() >= 16 && std::memcmp(block_.data() + 12, "CgBI", 4) == 0) fail(kIphone);
    png_read_info(png_, info_);
    int interlacing;
    png_get_IHDR(png_, info_, &width_, &height_, &bit_depth_, &color_, &interlacing, nullptr, nullptr);
    interlaced_ = interlacing != PNG_INTERLACE_NONE;
    find_orientation();
  };
  if (!guarded(begin)) return failure();
  if (Status status = check_header(); !status.ok()) return status;
  if (!guarded([this] { set_transforms(); })) return failure();
  row_bytes_ = png_get_rowbytes(png_, info_);
  rgb_.resize(is_grey_16_ ? std::size_t{width_} * 3 : 0);
  if (interlaced_) return read_interlaced();
  rows_.resize(row_bytes_);
  return {};
}

void PngDecoder::find_orientation() {
  png_bytep exif = nullptr;
  png_uint_32 size = 0;
  if (png_get_eXIf_1(png_, info_, &size, &exif) != 0) remarks.orientation = exif_orientation({exif, size});
}

Status PngDecoder::check_header() {
  if (Status status = check_size(width_, height_, limits_); !status.ok()) return status;
  const std::int64_t bits = std::int64_t{width_} * png_get_channels(png_, info_) * bit_depth_;
  const std::int64_t least = (bits + 7) / 8 * height_ / kMostInflation;
  if (Status status = check_plausible(least * 8, input_.size(), width_, height_); !status.ok()) return status;
  return check_memory(interlaced_ ? std::int64_t{width_} * height_ * 3 : 0, limits_);
}

// To RGB of 8 bits, but for grey of 16 bits, which Pillow clips.
void PngDecoder::set_transforms() {
  is_grey_16_ = color_ == PNG_COLOR_TYPE_GRAY && bit_depth_ == 16;
  remarks.grey_clipped = is_grey_16_;
  if (interlaced_) png_set_interlace_handling(png_);
  if (!is_grey_16_) {
    if (color_ == PNG_COLOR_TYPE_PALETTE) png_set_palette_to_rgb(png_);
    if (color_ == PNG_COLOR_TYPE_GRAY && bit_depth_ < 8) png_set_expand_gray_1_2_4_to_8(png_);
    if (bit_depth_ == 16) png_set_strip_16(png_);
    if ((color_ & PNG_COLOR_MASK_COLOR) == 0) png_set_gray_to_rgb(png_);
    // Of a palette with transparent colours, too.
    png_set_strip_alpha(png_);
  }
  expect_rows();
  png_read_update_info(png_, info_);
}

// Has rows_to_come_ count down to 0 when the last row of the last pass is inflated.
void PngDecoder::expect_rows() {
  const int passes = interlaced_ ? PNG_INTERLACE_ADAM7_PASSES : 0;
  rows_to_come_ = interlaced_ ? 0 : height_;
  for (int pass = 0; pass < passes; ++pass) {
    if (PNG_PASS_COLS(width_, pass) > 0) rows_to_come_ += PNG_PASS_ROWS(height_, pass);
  }
  png_set_read_user_transform_fn(
      png_, [](png_structp png, png_row_infop, png_bytep) { --of(png_get_user_transform_ptr(png)).rows_to_come_; });
  png_set_user_transform_info(png_, this, 0, 0);
}

Status PngDecoder::read_interlaced() {
  rows_.resize(row_bytes_ * height_);
  row_pointers_.resize(height_);
  for (png_uint_32 y = 0; y < height_; ++y) row_pointers_[y] = rows_.data() + y * row_bytes_;
  return guarded([this] { png_read_image(png_, row_pointers_.data()); }) ? Status() : failure();
}

Result<const std::uint8_t*> PngDecoder::next_row() {
  const std::uint8_t* row = interlaced_ ? row_pointers_[row_] : rows_.data();
  if (!interlaced_ && !guarded([this] { png_read_row(png_, rows_.data(), nullptr); })) return failure();
  ++row_;
  if (!is_grey_16_) return row;
  for (std::size_t x = 0; x < width_; ++x) {
    const std::uint8_t grey = row[2 * x] != 0 ? 255 : row[2 * x + 1];
    std::memset(rgb_.data() + 3 * x, grey, 3);
  }
  return static_cast<const std::uint8_t*>(rgb_.data());
}

Status PngDecoder::finish() {
  const auto read_rest = [this] {
    for (; !interlaced_ && row_ < height_; ++row_) png_read_row(png_, rows_.data(), nullptr);
    rows_to_come_ = -1;  // what comes now is other chunks
    png_read_end(png_, nullptr);
  };
  return guarded(read_rest) ? Status() : failure();
}

}  // namespace

OpenedDecoder open_png(Input& input, const PictureLimits& limits) {
  auto decoder = std::make_unique<PngDecoder>(input, limits);
  if (Status status = decoder->open(); !status.ok()) return status;
  return std::unique_ptr<Decoder>(std::move(decoder));
}

}  // namespace intvit
