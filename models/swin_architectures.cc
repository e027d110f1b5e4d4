#include "models/swin_architectures.h"

#include "models/architectures.h"

namespace intvit {
namespace {

using Stages = std::array<int, kSwinStages>;

// Short names for the values of swin.inc.
constexpr Stages kTinyDepths = {2, 2, 6, 2};
constexpr Stages kDepths = {2, 2, 18, 2};
constexpr Stages kTinyHeads = {3, 6, 12, 24};
constexpr Stages kBaseHeads = {4, 8, 16, 32};
constexpr Stages kLargeHeads = {6, 12, 24, 48};
constexpr Stages kWindow7 = {7, 7, 7, 7};
constexpr Stages kWindow8 = {8, 8, 8, 8};
constexpr Stages kWindow12 = {12, 12, 12, 12};
constexpr Stages kWindow16 = {16, 16, 16, 16};
constexpr Stages kWindow24 = {24, 24, 24, 24};
constexpr Stages kPretrained = {12, 12, 12, 6};

constexpr SwinArchitecture kSwinArchitectures[] = {
#include "models/swin.inc"
};

}  // namespace

std::span<const SwinArchitecture> swin_architectures() { return kSwinArchitectures; }

std::optional<SwinDescription> describe_swin_architecture(std::string_view name) {
  const std::string_view plain = without_tag(name);
  for (const SwinArchitecture& architecture : kSwinArchitectures) {
    if (plain == architecture.name) return to_description(architecture);
  }
  return std::nullopt;
}

SwinDescription to_description(const SwinArchitecture& architecture) {
  SwinDescription swin;
  swin.architecture = architecture.name;
  swin.version = architecture.version;
  swin.embed_dim = architecture.embed_dim;
  for (std::size_t i = 0; i < kSwinStages && architecture.depths[i] > 0; ++i) {
    swin.stages.push_back({architecture.depths[i], architecture.num_heads[i], architecture.windows[i],
                           architecture.pretrained_windows[i]});
  }
  swin.num_classes = architecture.num_classes;
  if (architecture.torchvision) {
    swin.pads_before_move = true;
    swin.large_window = LargeWindow::stays;
  }
  swin.preprocessing.height = architecture.image_size;
  swin.preprocessing.width = architecture.image_size;
  swin.preprocessing.crop_pct = architecture.crop_pct;
  return swin;
}

}  // namespace intvit
