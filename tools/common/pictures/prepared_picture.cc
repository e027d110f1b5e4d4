#include "tools/common/pictures/prepared_picture.h"

#include <memory>
#include <new>

#include "engine/image/preprocess.h"
#include "engine/run/prefault.h"
#include "kernels/dispatch/kernel_table.h"

namespace intvit {

Status read_picture_rows(const std::string& path, const PictureOptions& options,
                         const std::function<Status(PictureRows&)>& take, PictureRemarks& remarks) try {
  const Result<std::unique_ptr<PictureReader>> picture = PictureReader::open(path, options);
  if (!picture.ok()) return picture.status();
  remarks = picture.value()->remarks();
  const Status status = take(*picture.value());
  if (status.ok()) return {};
  // Only the reader's own messages name the picture.
  const bool is_named = status.message().starts_with(path + ": ");
  return {status.code(), is_named ? status.message() : path + ": " + status.message()};
} catch (const std::bad_alloc&) {
  return no_memory([&] { return path + ": not enough memory for this picture"; });
}

PreparedPicture prepare_picture(const std::string& path, const PictureOptions& options, const InputGeometry& geometry,
                                Isa isa) {
  PreparedPicture picture;
  picture.bytes = std::size_t{geometry.width} * geometry.height * 3;
  const auto take = [&](PictureRows& rows) {
    picture.pixels = std::make_unique_for_overwrite<std::uint8_t[]>(picture.bytes);
    prefault({picture.pixels.get(), picture.bytes});
    return Preprocessor(geometry, kernels::kernel_table(isa).resize).run(rows, picture.pixels.get());
  };
  picture.status = read_picture_rows(path, options, take, picture.remarks);
  return picture;
}

}  // namespace intvit
