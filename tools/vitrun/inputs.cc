#include "tools/vitrun/inputs.h"

#include <iostream>
#include <utility>

#include "engine/image/preprocess.h"
#include "engine/program/program.h"
#include "kernels/dispatch/kernel_table.h"
#include "tools/common/cli/shown_text.h"
#include "tools/common/pictures/input_pictures.h"

namespace intvit {
namespace {

constexpr std::size_t kMostPictures = 1024;

// Nothing but the status if it cannot be read.
Status read_pixels(const InputPicture& picture, const VitrunOptions& options, const InputGeometry& geometry, Isa isa,
                   std::vector<std::uint8_t>& pixels) {
  if (!picture.problem.ok()) return picture.problem;
  if (picture.frame != nullptr) {
    pixels.resize(std::size_t{geometry.width} * geometry.height * 3);
    return Preprocessor(geometry, kernels::kernel_table(isa).resize).run(picture.frame->view(), pixels.data());
  }
  const auto take = [&](const PreparedPicture& prepared) {
    if (prepared.status.ok()) pixels.assign(prepared.pixels.get(), prepared.pixels.get() + prepared.bytes);
    return prepared.status;
  };
  if (picture.prepared != nullptr) return take(*picture.prepared);
  return take(prepare_picture(picture.path, options.pictures, geometry, isa));
}

}  // namespace

std::unique_ptr<PictureFeed> make_feed(const VitrunOptions& options, const Model& model,
                                       std::shared_ptr<const PreparedPicture> prepared) {
  if (options.frames) {
    return std::make_unique<FrameFeed>(options.inputs, std::cin, *options.frames, model.input_width(),
                                       model.input_height(), normalisation_of(model.metadata()));
  }
  auto feed = std::make_unique<InputFeed>(options.inputs, std::cin, options.name_end);
  feed->set_only(std::move(prepared));
  return feed;
}

Result<InputPixels> read_input_pixels(const VitrunOptions& options, const Model& model, Isa isa,
                                      const std::string& option) {
  const auto invalid = [&](const std::string& text) { return Status(Code::invalid_argument, option + text); };
  const std::unique_ptr<PictureFeed> feed = make_feed(options, model);
  InputPixels all;
  while (const std::optional<InputPicture> picture = feed->next()) {
    if (all.pixels.size() == kMostPictures) {
      return invalid(" takes at most " + std::to_string(kMostPictures) + " pictures");
    }
    std::vector<std::uint8_t> pixels;
    if (const Status status = read_pixels(*picture, options, model.input(), isa, pixels); !status.ok()) {
      if (status.code() == Code::out_of_memory) return status;  // those before it are in memory, too
      ++all.failed;
      print_message("vitrun", status.message());
      continue;
    }
    all.names.push_back(picture->path);
    all.pixels.push_back(std::move(pixels));
  }
  if (!feed->status().ok()) return feed->status();
  if (all.pixels.empty()) return invalid(" has no picture that could be read");
  return all;
}

}  // namespace intvit
