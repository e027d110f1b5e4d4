// The pictures of vitrun --attention: from the names of the inputs to the files.
#include <unistd.h>

#include <filesystem>
#include <iostream>
#include <set>

#include "engine/format/writer.h"
#include "picture/notes.h"
#include "tools/common/cli/exit_code.h"
#include "tools/common/cli/shown_text.h"
#include "tools/common/pictures/input_pictures.h"
#include "tools/common/pictures/png_writer.h"
#include "tools/common/pictures/prepared_picture.h"
#include "tools/vitrun/attention_maps.h"
#include "tools/vitrun/made_folder.h"

namespace intvit {
namespace {

namespace fs = std::filesystem;

// "cat.layer11.mean.png", and "cat-2..." for another cat.
std::string map_file(const VitrunOptions& options, const std::string& picture, int layer,
                     std::set<std::string>& taken) {
  const std::string stem = fs::path(picture).stem().string();
  const std::string end =
      ".layer" + std::to_string(layer) + "." +
      (options.attention_head == "mean" || options.attention_head == "rollout" ? options.attention_head
                                                                               : "head" + options.attention_head) +
      ".png";
  std::string name = stem + end;
  for (int i = 2; !taken.insert(name).second; ++i) name = stem + "-" + std::to_string(i) + end;
  return (fs::path(options.attention) / name).string();
}

}  // namespace

Result<int> write_attention_maps(const VitrunOptions& options, const std::shared_ptr<const Model>& model, Isa isa) {
  const Result<AttentionChoice> choice = attention_choice(*model, options.attention_layer, options.attention_head);
  if (!choice.ok()) return choice.status();
  SessionOptions session_options;
  session_options.threads = options.threads;
  session_options.isa = isa;
  session_options.attention_layers = layers_needed(choice.value());
  const Result<std::unique_ptr<Session>> made = Session::create(model, session_options);
  if (!made.ok()) return made.status();
  Session& session = *made.value();
  // What cannot be drawn of this model cannot be drawn of any picture. There are zeros before the first run.
  if (const auto map = attention_map(session, choice.value()); !map.ok()) return map.status();
  if (Status status = make_folder("attention", options.attention); !status.ok()) return status;
  const Result<std::vector<InputPicture>> pictures = expand_inputs(options.inputs, std::cin, options.name_end);
  if (!pictures.ok()) return pictures.status();
  const AttentionLayer& layer = model->attention_layers()[static_cast<std::size_t>(choice.value().layer)];
  std::set<std::string> taken;
  PictureNotes notes;
  bool all = true;
  for (const InputPicture& picture : pictures.value()) {
    PictureRemarks remarks;
    const auto set_picture = [&](PictureRows& rows) { return session.set_picture(0, rows); };
    Status status = picture.problem;
    if (status.ok()) status = read_picture_rows(picture.path, options.pictures, set_picture, remarks);
    if (!status.ok()) {
      print_message("vitrun", status.message());
      all = false;
      continue;
    }
    notes.add(picture.path, remarks, options.pictures);
    for (const std::string& note : notes.take()) print_message("vitrun", note);
    session.run();
    const Result<std::vector<double>> map = attention_map(session, choice.value());
    if (!map.ok()) return map.status();
    const int height = model->input_height(), width = model->input_width();
    const std::vector<std::uint8_t> rgb =
        draw_attention(session.picture(0), height, width, map.value(), layer.grid_height, layer.grid_width);
    const std::string file = map_file(options, picture.path, choice.value().layer, taken);
    if (const Status written = write_file_atomically(file, encode_png(width, height, rgb)); !written.ok()) {
      return Status(Code::invalid_argument, written.message());
    }
    std::cout << shown_on(STDOUT_FILENO, file) << '\n';
  }
  return all ? static_cast<int>(kExitOk) : static_cast<int>(kExitSomeInputsFailed);
}

}  // namespace intvit
