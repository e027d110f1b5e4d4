// The C interface of picture files.
#include <memory>
#include <string>

#include "engine/capi/errors.h"
#include "engine/capi/handles.h"
#include "engine/capi/structs.h"
#include "intvit/intvit_picture.h"
#include "intvit/picture.h"

namespace intvit {
namespace {

Result<PictureOptions> picture_options(const intvit_picture_options* options) {
  PictureOptions result;
  if (options == nullptr) return result;
  intvit_picture_options own = INTVIT_PICTURE_OPTIONS_INIT;
  const std::size_t first_size = INTVIT_FIRST_SIZE(intvit_picture_options, max_memory_bytes);
  if (Status status = read_struct(options, first_size, "intvit_picture_options", own); !status.ok()) return status;
  const auto limit = [](std::int64_t asked, std::int64_t usual) { return asked != 0 ? asked : usual; };
  for (const std::int64_t asked : {own.max_pixels, own.max_file_bytes, own.max_scans, own.max_memory_bytes}) {
    if (asked < 0) {
      return Status(Code::invalid_argument,
                    "a limit of " + std::to_string(asked) + " in intvit_picture_options; 0 is the usual one");
    }
  }
  result.exif_rotate = own.exif_rotate != 0;
  result.limits = {limit(own.max_pixels, result.limits.pixels), limit(own.max_file_bytes, result.limits.file_bytes),
                   limit(own.max_scans, result.limits.scans), limit(own.max_memory_bytes, result.limits.memory_bytes)};
  return result;
}

// Opens a reader with `open`, which takes options, and gives its rows to the session.
template <typename Open>
intvit_status set_picture(intvit_session* session, int index, const intvit_picture_options* options,
                          const Open& open) noexcept {
  return capi_guard([&]() -> Status {
    Session* const own = capi_session(session);
    if (own == nullptr) return capi_null("the session");
    const Result<PictureOptions> asked = picture_options(options);
    if (!asked.ok()) return asked.status();
    Result<std::unique_ptr<PictureReader>> reader = open(asked.value());
    if (!reader.ok()) return reader.status();
    return own->set_picture(index, *reader.value());
  });
}

}  // namespace
}  // namespace intvit

extern "C" {

using namespace intvit;

intvit_status intvit_session_set_picture_file(intvit_session* session, int32_t index, const char* path,
                                              const intvit_picture_options* options) {
  return set_picture(session, index, options, [&](const PictureOptions& own) -> Result<std::unique_ptr<PictureReader>> {
    if (path == nullptr) return capi_need(path, "the picture's path");
    return PictureReader::open(path, own);
  });
}

intvit_status intvit_session_set_picture_bytes(intvit_session* session, int32_t index, const void* bytes, size_t size,
                                               const char* name, const intvit_picture_options* options) {
  return set_picture(session, index, options, [&](const PictureOptions& own) -> Result<std::unique_ptr<PictureReader>> {
    if (bytes == nullptr) return capi_need(bytes, "the picture's memory");
    return PictureReader::from_memory({static_cast<const std::uint8_t*>(bytes), size},
                                      name != nullptr ? name : "picture", own);
  });
}

const char* intvit_picture_decoders(void) {
  try {
    static const std::string decoders = picture_decoders();
    return decoders.c_str();
  } catch (const std::exception&) {
    return "";
  }
}

}  // extern "C"
