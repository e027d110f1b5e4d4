// The pictures of vitrun's command line.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "intvit/isa.h"
#include "intvit/model.h"
#include "tools/common/pictures/picture_feed.h"
#include "tools/vitrun/vitrun_options.h"

namespace intvit {

// Of files, folders, names on stdin or frames. `prepared` is the only one, if it has been read already.
std::unique_ptr<PictureFeed> make_feed(const VitrunOptions& options, const Model& model,
                                       std::shared_ptr<const PreparedPicture> prepared = nullptr);

// What the network sees of each picture that could be read, [height][width][3].
struct InputPixels {
  std::vector<std::string> names;
  std::vector<std::vector<std::uint8_t>> pixels;
  std::size_t failed = 0;  // stderr has the reasons
};

// All at once, for what runs several times on each. invalid_argument, naming `option`, if there is none or more than
// 1024.
Result<InputPixels> read_input_pixels(const VitrunOptions& options, const Model& model, Isa isa,
                                      const std::string& option);

}  // namespace intvit
