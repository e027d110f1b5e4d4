#include <cstdio>
#include <memory>
#include <string>

#include "converter/methods/method.h"
#include "models/architectures.h"
#include "models/swin_architectures.h"
#include "tools/vitconvert/commands.h"

namespace intvit {
namespace {

void list_methods() {
  for (const Method& method : methods()) {
    std::printf("%-12s %s\n", std::string(method.name).c_str(), std::string(method.summary).c_str());
    for (const Knob& knob : knobs_of(method.name)) {
      std::printf("  %-10s %s; %g..%g, default %g\n", std::string(knob.name).c_str(), std::string(knob.help).c_str(),
                  knob.lowest, knob.highest, knob.initial);
    }
  }
}

void list_architectures() {
  for (const Architecture& a : architectures()) {
    std::printf("%-40s %dx%d, patch %d, dim %d, depth %d, heads %d\n", a.name, a.image_size, a.image_size, a.patch_size,
                a.embed_dim, a.depth, a.num_heads);
  }
  for (const SwinArchitecture& a : swin_architectures()) {
    const SwinDescription swin = to_description(a);
    std::string depths;
    for (const SwinStage& stage : swin.stages) depths += (depths.empty() ? "" : "+") + std::to_string(stage.depth);
    std::printf("%-40s %dx%d, patch 4, dim %d, depth %s, heads %d to %d, window %d\n", a.name, a.image_size,
                a.image_size, a.embed_dim, depths.c_str(), swin.stages.front().num_heads, swin.stages.back().num_heads,
                a.windows[0]);
  }
}

void list_formats() {
  std::printf(
      "checkpoints   .safetensors (F32, F16, BF16), one file or sharded with model.safetensors.index.json\n"
      "folders       timm hub (config.json), Hugging Face ViT and DeiT (config.json, preprocessor_config.json)\n"
      "pictures      JPEG, PNG, BMP\n"
      "weights       8 bits: signed, a scale per output; 2 to 6 bits: a scale and zero point per output; 5 and 6 are "
      "stored\n"
      "              in bytes\n"
      "activations   3 to 8 bits: uniform (query, key and value per head), tables, a scheme per token or the row's "
      "own\n"
      "              extremes (both with outliers kept apart), groups of channels; all but uniform ones stand for "
      "values\n"
      "              on a common grid of 8 bits, or of up to 12 bits in two byte planes\n"
      "softmax       8 bits relative to the row's largest; tables of 3 to 8 bits, relative or absolute, one or one "
      "per\n"
      "              head, values of up to 12 bits; rows in groups by their largest\n"
      "residual      16 bits; or fewer, such as 8, with a coarser step for some channels\n");
}

}  // namespace

Command add_list(CLI::App& app) {
  auto what = std::make_shared<std::string>();
  CLI::App* command = app.add_subcommand("list", "What this build knows: methods, archs or formats");
  command->add_option("WHAT", *what, "methods, archs or formats")
      ->required()
      ->check(CLI::IsMember({"methods", "archs", "formats"}));
  return [what] {
    if (*what == "methods") list_methods();
    if (*what == "archs") list_architectures();
    if (*what == "formats") list_formats();
    return static_cast<int>(kExitOk);
  };
}

}  // namespace intvit
