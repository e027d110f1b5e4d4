// A picture that comes row by row, from the top, so that nobody has to hold all of it.
#pragma once

#include <cstdint>

#include "intvit/export.h"
#include "intvit/status.h"

namespace intvit {

class INTVIT_API PictureRows {
 public:
  virtual ~PictureRows() = default;

  virtual int width() const = 0;
  virtual int height() const = 0;

  // The next row: 3 * width() samples, which are valid until the next call. At most height() times.
  virtual Result<const std::uint8_t*> next_row() = 0;

  // To be called after the last row that is needed, whichever that is. An error here, too, means that the picture is
  // not what its author saved.
  virtual Status finish() = 0;
};

}  // namespace intvit
