// A picture as a model sees it, read before there is a session to put it into.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "intvit/input_geometry.h"
#include "intvit/isa.h"
#include "intvit/picture.h"
#include "intvit/picture_rows.h"
#include "intvit/status.h"

namespace intvit {

struct PreparedPicture {
  Status status;
  PictureRemarks remarks;
  std::size_t bytes = 0;
  std::unique_ptr<std::uint8_t[]> pixels;  // [height][width][3] of the geometry it was prepared for
};

// Opens a picture and has `take` read its rows, which it may do only once. The message names the picture.
Status read_picture_rows(const std::string& path, const PictureOptions& options,
                         const std::function<Status(PictureRows&)>& take, PictureRemarks& remarks);

PreparedPicture prepare_picture(const std::string& path, const PictureOptions& options, const InputGeometry& geometry,
                                Isa isa);

}  // namespace intvit
