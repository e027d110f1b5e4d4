// Finds out what a file is and has the fitting decoder read it.
#include <algorithm>
#include <new>
#include <string>
#include <utility>

#include "intvit/picture.h"
#include "picture/decoder.h"
#include "picture/exif.h"
#include "picture/input.h"

namespace intvit {
namespace {

bool begins_with(std::span<const std::uint8_t> bytes, std::string_view magic, std::size_t at = 0) {
  return bytes.size() >= at + magic.size() &&
         std::equal(magic.begin(), magic.end(), bytes.begin() + static_cast<std::ptrdiff_t>(at),
                    [](char a, std::uint8_t b) { return static_cast<std::uint8_t>(a) == b; });
}

using Open = OpenedDecoder (*)(Input&, const PictureLimits&);

// nullptr: none that is known.
Open decoder_for(std::span<const std::uint8_t> head) {
  if (begins_with(head, "\xff\xd8\xff")) return open_jpeg;
  if (begins_with(head, "\x89PNG\r\n\x1a\n")) return open_png;
  if (begins_with(head, "RIFF") && begins_with(head, "WEBP", 8)) return open_webp;
  if (begins_with(head, "BM")) return open_bmp;
  if (head.size() > 2 && head[0] == 'P' && head[1] >= '1' && head[1] <= '7' && head[2] <= ' ') return open_pnm;
  return nullptr;
}

OpenedDecoder open_decoder(Input& input, const PictureOptions& options) {
  if (input.size() > options.limits.file_bytes) {
    return unsupported("the file has " + std::to_string(input.size()) + " bytes; the limit 'file' is " +
                       std::to_string(options.limits.file_bytes));
  }
  const std::span<const std::uint8_t> head = input.next();
  if (Status status = input.status(); !status.ok()) return status;
  if (head.empty()) return {Code::corrupt_file, "the file is empty; expected a picture"};
  const Open open = decoder_for(head);
  if (open == nullptr) return unsupported("not a picture that this version reads (JPEG, PNG, WebP, BMP, PNM)");
  input.rewind();
  OpenedDecoder decoder = open(input, options.limits);
  if (!decoder.ok()) return decoder.status();
  const PictureRemarks remarks = decoder.value()->remarks;
  if (!options.exif_rotate || remarks.orientation == 1) return decoder;
  // Rows of a turned picture are columns, perhaps from the bottom: they need all of it.
  const std::int64_t bytes = std::int64_t{decoder.value()->width()} * decoder.value()->height() * 6;
  if (Status status = check_memory(bytes, options.limits); !status.ok()) return status;
  Result<Picture> picture = read_all(*decoder.value());
  if (!picture.ok()) return picture.status();
  std::unique_ptr<Decoder> turned = std::make_unique<WholePicture>(turn(picture.take(), remarks.orientation));
  turned->remarks = remarks;
  return turned;
}

// Puts the picture's name before what decoders say.
class NamedReader : public PictureReader {
 public:
  NamedReader(std::string name, Input input) : name_(std::move(name)), input_(std::move(input)) {}

  Status open(const PictureOptions& options) {
    OpenedDecoder decoder = open_decoder(input_, options);
    if (!decoder.ok()) return named(decoder.status());
    decoder_ = decoder.take();
    return {};
  }

  int width() const override { return decoder_->width(); }
  int height() const override { return decoder_->height(); }
  const PictureRemarks& remarks() const override { return decoder_->remarks; }

  Result<const std::uint8_t*> next_row() override {
    Result<const std::uint8_t*> row = decoder_->next_row();
    if (!row.ok()) return named(row.status());
    return row;
  }

  Status finish() override { return named(decoder_->finish()); }

 private:
  Status named(const Status& status) const {
    return status.ok() ? Status() : Status(status.code(), name_ + ": " + status.message());
  }

  std::string name_;
  Input input_;
  std::unique_ptr<Decoder> decoder_;
};

Result<std::unique_ptr<PictureReader>> open_named(std::string_view name, Input input, const PictureOptions& options) {
  auto reader = std::make_unique<NamedReader>(std::string(name), std::move(input));
  if (Status status = reader->open(options); !status.ok()) return status;
  return std::unique_ptr<PictureReader>(std::move(reader));
}

Status no_memory_for(std::string_view name) {
  return no_memory([&] { return std::string(name) + ": " + out_of_memory().message(); });
}

Result<Picture> all_of(Result<std::unique_ptr<PictureReader>> reader, std::string_view name) try {
  if (!reader.ok()) return reader.status();
  return read_all(*reader.value());
} catch (const std::bad_alloc&) {
  return no_memory_for(name);
}

}  // namespace

Result<std::unique_ptr<PictureReader>> PictureReader::open(const std::string& path, const PictureOptions& options) try {
  Result<Input> input = Input::open(path);
  if (!input.ok()) return {input.status().code(), path + ": " + input.status().message()};
  return open_named(path, input.take(), options);
} catch (const std::bad_alloc&) {
  return no_memory_for(path);
}

Result<std::unique_ptr<PictureReader>> PictureReader::from_memory(View<const std::uint8_t> bytes, std::string_view name,
                                                                  const PictureOptions& options) try {
  return open_named(name, Input(bytes), options);
} catch (const std::bad_alloc&) {
  return no_memory_for(name);
}

Result<Picture> decode_picture(View<const std::uint8_t> bytes, std::string_view name, const PictureOptions& options) {
  return all_of(PictureReader::from_memory(bytes, name, options), name);
}

Result<Picture> read_picture(const std::string& path, const PictureOptions& options) {
  return all_of(PictureReader::open(path, options), path);
}

std::string picture_decoders() { return decoding_libraries(); }

}  // namespace intvit
