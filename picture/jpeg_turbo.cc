// JPEG by libjpeg-turbo.
//
// libjpeg reports an error by a function that must not return, so every call of it is made within guarded(), which
// setjmp() lets it leave. Nothing with a destructor may live in what is called there.
#include <csetjmp>
#include <cstdio>
#include <cstring>
#include <new>
#include <string>
#include <utility>
#include <vector>

// After <cstdio>, which it needs.
#include <jerror.h>
#include <jpeglib.h>

#include "picture/decoder.h"
#include "picture/exif.h"

namespace intvit {
namespace {

constexpr int kMostRows = 8;  // that libjpeg is asked for at a time
constexpr int kApp1 = JPEG_APP0 + 1;

// What everybody's decoder goes on after. The others mean that samples are missing or wrong.
bool is_tolerated(const jpeg_decompress_struct& jpeg, int warning) {
  switch (warning) {
    case JWRN_EXTRANEOUS_DATA:
    case JWRN_MUST_RESYNC:
    case JWRN_NOT_SEQUENTIAL:
    case JWRN_BOGUS_PROGRESSION:
    case JWRN_ADOBE_XFORM:
    case JWRN_JFIF_MAJOR:
      return true;
    case JWRN_HIT_MARKER:
      // Where a restart marker got lost, the decoder waits at the next one until it is due.
      return jpeg.restart_interval != 0 && jpeg.unread_marker >= JPEG_RST0 && jpeg.unread_marker <= JPEG_RST0 + 7;
    default:
      return false;
  }
}

class JpegDecoder : public Decoder {
 public:
  JpegDecoder(Input& input, const PictureLimits& limits) : input_(input), limits_(limits) {}
  ~JpegDecoder() override {
    jpeg_destroy_decompress(&jpeg_);  // also of one that was created in part
  }

  Status open();

  int width() const override { return static_cast<int>(jpeg_.image_width); }
  int height() const override { return static_cast<int>(jpeg_.image_height); }
  Result<const std::uint8_t*> next_row() override;
  Status finish() override;

 private:
  static JpegDecoder& of(jpeg_common_struct* jpeg) { return *static_cast<JpegDecoder*>(jpeg->client_data); }
  static JpegDecoder& of(jpeg_decompress_struct* jpeg) { return *static_cast<JpegDecoder*>(jpeg->client_data); }

  template <typename F>
  [[gnu::noinline]] bool guarded(F function) {
    if (setjmp(jump_) != 0) return false;
    function();
    return true;
  }
  [[noreturn]] void fail(int code) {
    failure_ = code;
    std::longjmp(jump_, 1);
  }
  Status failure();

  void set_callbacks();
  int next_byte();
  void read_app1();
  void place_rows(std::size_t row_bytes);
  Status check_header();
  Status read_scans();
  void note_scan();

  Input& input_;
  PictureLimits limits_;
  jpeg_decompress_struct jpeg_{};
  jpeg_error_mgr errors_{};
  jpeg_source_mgr source_{};
  std::jmp_buf jump_;
  int failure_ = 0;
  bool many_scans_ = false;

  std::int64_t scans_ = 0;
  unsigned scanned_ = 0;  // bit c: the component c has had a scan that defines its DC coefficients
  int consumed_ = 0;      // what jpeg_consume_input() said

  bool has_exif_ = false;
  std::size_t exif_size_ = 0;
  std::uint8_t exif_[65536];

  std::vector<std::uint8_t> rows_;
  JSAMPROW row_pointers_[kMostRows] = {};
  std::vector<std::uint8_t> rgb_;  // a row, where libjpeg gives something else
  JDIMENSION rows_got_ = 0;
  JDIMENSION rows_given_ = 0;
};

constexpr int kNoMoreInput = -1;  // what libjpeg has no code for

Status JpegDecoder::failure() {
  if (Status status = input_.status(); !status.ok()) return status;
  switch (failure_) {
    case kNoMoreInput:
      return damaged("it ends before its end-of-image marker");
    case JERR_OUT_OF_MEMORY:
      return out_of_memory();
    case JERR_BAD_PRECISION:
      return unsupported("a JPEG of " + std::to_string(jpeg_.data_precision) + " bits per sample; only 8 are read");
    case JERR_SOF_UNSUPPORTED:
      return unsupported("a lossless or hierarchical JPEG, which this version does not read");
    case JERR_ARITH_NOTIMPL:
      return unsupported("a JPEG with arithmetic coding, which this libjpeg does not read");
    case JERR_EMPTY_IMAGE:
      return unsupported("a JPEG without a height in its header, or without pixels");
    default: {
      char message[JMSG_LENGTH_MAX];
      errors_.msg_code = failure_;
      errors_.format_message(reinterpret_cast<j_common_ptr>(&jpeg_), message);
      return damaged(message);
    }
  }
}

void JpegDecoder::set_callbacks() {
  jpeg_.err = jpeg_std_error(&errors_);
  errors_.error_exit = [](j_common_ptr jpeg) { of(jpeg).fail(jpeg->err->msg_code); };
  errors_.emit_message = [](j_common_ptr jpeg, int level) {
    const auto& decompress = *reinterpret_cast<jpeg_decompress_struct*>(jpeg);
    if (level < 0 && !is_tolerated(decompress, jpeg->err->msg_code)) of(jpeg).fail(jpeg->err->msg_code);
  };
  source_.init_source = [](j_decompress_ptr) {};
  source_.fill_input_buffer = [](j_decompress_ptr jpeg) -> boolean {
    const std::span<const std::uint8_t> block = of(jpeg).input_.next();
    if (block.empty()) of(jpeg).fail(kNoMoreInput);
    jpeg->src->next_input_byte = block.data();
    jpeg->src->bytes_in_buffer = block.size();
    return TRUE;
  };
  source_.skip_input_data = [](j_decompress_ptr jpeg, long count) {
    if (count <= 0) return;
    auto left = static_cast<std::size_t>(count);
    while (left > jpeg->src->bytes_in_buffer) {
      left -= jpeg->src->bytes_in_buffer;
      jpeg->src->fill_input_buffer(jpeg);
    }
    jpeg->src->next_input_byte += left;
    jpeg->src->bytes_in_buffer -= left;
  };
  source_.resync_to_restart = jpeg_resync_to_restart;
  source_.term_source = [](j_decompress_ptr) {};
}

int JpegDecoder::next_byte() {
  if (source_.bytes_in_buffer == 0) source_.fill_input_buffer(&jpeg_);
  --source_.bytes_in_buffer;
  return *source_.next_input_byte++;
}

// Keeps the first EXIF segment, and no other of what may be there many times.
void JpegDecoder::read_app1() {
  constexpr std::uint8_t kExif[] = {'E', 'x', 'i', 'f', 0, 0};
  const int high = next_byte();
  const auto length = static_cast<std::size_t>(high << 8 | next_byte());
  if (length < 2) fail(JERR_BAD_LENGTH);
  if (has_exif_) return source_.skip_input_data(&jpeg_, static_cast<long>(length - 2));
  for (std::size_t i = 0; i < length - 2; ++i) exif_[i] = static_cast<std::uint8_t>(next_byte());
  has_exif_ = length - 2 > sizeof kExif && std::memcmp(exif_, kExif, sizeof kExif) == 0;
  if (has_exif_) exif_size_ = length - 2;
}

Status JpegDecoder::open() {
  set_callbacks();
  const auto begin = [this] {
    jpeg_.client_data = this;
    jpeg_create_decompress(&jpeg_);
    jpeg_.src = &source_;
    jpeg_set_marker_processor(&jpeg_, kApp1, [](j_decompress_ptr jpeg) -> boolean {
      of(jpeg).read_app1();
      return TRUE;
    });
    jpeg_read_header(&jpeg_, TRUE);
  };
  if (!guarded(begin)) return failure();
  if (Status status = check_header(); !status.ok()) return status;
  if (has_exif_) remarks.orientation = exif_orientation({exif_ + 6, exif_size_ - 6});
  jpeg_.out_color_space = jpeg_.num_components == 4 ? JCS_CMYK : JCS_RGB;
  many_scans_ = jpeg_has_multiple_scans(&jpeg_) != FALSE;
  jpeg_.buffered_image = many_scans_ ? TRUE : FALSE;
  if (!guarded([this] { jpeg_start_decompress(&jpeg_); })) return failure();
  if (many_scans_) {
    if (Status status = read_scans(); !status.ok()) return status;
  }
  const std::size_t row_bytes = std::size_t{jpeg_.output_width} * static_cast<std::size_t>(jpeg_.output_components);
  place_rows(row_bytes);
  if (jpeg_.output_components != 3) rgb_.resize(std::size_t{jpeg_.output_width} * 3);
  return {};
}

// Rows at multiples of 16 or 32 bytes libjpeg-turbo writes past the caches, as suits a picture that is kept. These are
// read next, so none of them lies at one.
void JpegDecoder::place_rows(std::size_t row_bytes) {
  constexpr std::size_t kAlignment = 32, kBeyond = 8;
  const std::size_t stride = (row_bytes + kAlignment - 1) / kAlignment * kAlignment;
  rows_.resize(kMostRows * stride + kAlignment + kBeyond);
  const std::size_t misplaced = reinterpret_cast<std::uintptr_t>(rows_.data()) % kAlignment;
  for (std::size_t i = 0; i < kMostRows; ++i) {
    row_pointers_[i] = rows_.data() + (kAlignment - misplaced) + kBeyond + i * stride;
  }
}

Status JpegDecoder::check_header() {
  if (Status status = check_size(jpeg_.image_width, jpeg_.image_height, limits_); !status.ok()) return status;
  if (jpeg_.num_components != 1 && jpeg_.num_components != 3 && jpeg_.num_components != 4) {
    return unsupported("a JPEG of " + std::to_string(jpeg_.num_components) + " components; 1, 3 and 4 are read");
  }
  std::int64_t blocks = 0;
  for (int i = 0; i < jpeg_.num_components; ++i) {
    const jpeg_component_info& component = jpeg_.comp_info[i];
    blocks += std::int64_t{component.width_in_blocks} * component.height_in_blocks;
  }
  // Huffman codes have a bit at least; arithmetic coding may take less.
  const std::int64_t least_bits = jpeg_.arith_code ? 0 : blocks;
  if (Status status = check_plausible(least_bits, input_.size(), width(), height()); !status.ok()) return status;
  constexpr std::int64_t kBlockBytes = 64 * sizeof(JCOEF);
  return check_memory(jpeg_has_multiple_scans(&jpeg_) ? blocks * kBlockBytes : 0, limits_);
}

void JpegDecoder::note_scan() {
  ++scans_;
  // Later scans of DC coefficients only add a bit to what the first has said.
  if (jpeg_.progressive_mode && (jpeg_.Ss != 0 || jpeg_.Ah != 0)) return;
  for (int i = 0; i < jpeg_.comps_in_scan; ++i) scanned_ |= 1u << jpeg_.cur_comp_info[i]->component_index;
}

Status JpegDecoder::read_scans() {
  note_scan();
  const auto consume = [this] {
    do {
      consumed_ = jpeg_consume_input(&jpeg_);
    } while (consumed_ != JPEG_REACHED_SOS && consumed_ != JPEG_REACHED_EOI);
  };
  for (;;) {
    if (Status status = check_scans(scans_, limits_); !status.ok()) return status;
    if (!guarded(consume)) return failure();
    if (consumed_ == JPEG_REACHED_EOI) break;
    note_scan();
  }
  if (scanned_ != (1u << jpeg_.num_components) - 1) return damaged("a component of its colours has no scan");
  if (!guarded([this] { jpeg_start_output(&jpeg_, jpeg_.input_scan_number); })) return failure();
  return {};
}

// As Pillow does it: whatever the file says, samples of four components are taken to be inverted, as Adobe writes them.
void cmyk_to_rgb(const std::uint8_t* cmyk, std::uint8_t* rgb, int count) {
  for (int x = 0; x < count; ++x, cmyk += 4, rgb += 3) {
    const int key = cmyk[3];
    for (int c = 0; c < 3; ++c) {
      const int product = (255 - cmyk[c]) * key + 128;
      rgb[c] = static_cast<std::uint8_t>(key - (((product >> 8) + product) >> 8));
    }
  }
}

Result<const std::uint8_t*> JpegDecoder::next_row() {
  if (rows_given_ == rows_got_) {
    rows_given_ = rows_got_ = 0;
    if (!guarded([this] { rows_got_ = jpeg_read_scanlines(&jpeg_, row_pointers_, kMostRows); })) return failure();
  }
  const std::uint8_t* row = row_pointers_[rows_given_++];
  if (jpeg_.output_components == 3) return row;
  cmyk_to_rgb(row, rgb_.data(), width());
  return static_cast<const std::uint8_t*>(rgb_.data());
}

Status JpegDecoder::finish() {
  const auto read_rest = [this] {
    while (jpeg_.output_scanline < jpeg_.output_height) jpeg_read_scanlines(&jpeg_, row_pointers_, kMostRows);
    if (many_scans_) jpeg_finish_output(&jpeg_);
    jpeg_finish_decompress(&jpeg_);
  };
  return guarded(read_rest) ? Status() : failure();
}

}  // namespace

OpenedDecoder open_jpeg(Input& input, const PictureLimits& limits) {
  auto decoder = std::make_unique<JpegDecoder>(input, limits);
  if (Status status = decoder->open(); !status.ok()) return status;
  return std::unique_ptr<Decoder>(std::move(decoder));
}

}  // namespace intvit
