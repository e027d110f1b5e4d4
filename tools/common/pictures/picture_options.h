// What the command line says of how pictures are read. A header but for the parser, so that only programs need CLI11.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "tools/common/pictures/picture_limits.h"

namespace intvit {

inline void add_picture_options(CLI::App& command, PictureOptions& options) {
  command.add_flag("--exif-rotate", options.exif_rotate, "Turn pictures as their EXIF orientation says");
  command
      .add_option_function<std::string>(
          "--limits",
          [&options](const std::string& text) {
            const Status status = parse_limits(text, options.limits);
            if (!status.ok()) throw CLI::ValidationError(status.message());
          },
          "What a picture may take: " + limits_text(options.limits) + " if not given; some or all of these")
      ->type_name("LIST");
}

}  // namespace intvit
