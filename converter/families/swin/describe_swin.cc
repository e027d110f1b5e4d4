#include "converter/families/swin/describe_swin.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "converter/families/limits.h"
#include "converter/families/relative_bias.h"
#include "converter/read/config_kinds.h"
#include "converter/read/config_reader.h"
#include "converter/read/message.h"
#include "models/architectures.h"
#include "models/swin_architectures.h"

namespace intvit {
namespace {

template <typename T>
void override_with(const std::optional<T>& value, T& target) {
  if (value) target = *value;
}

std::string block_name(int stage, int block) {
  return "layers." + std::to_string(stage) + ".blocks." + std::to_string(block) + ".";
}

// Collects the description step by step; the order of the calls in run() matters.
class Describer {
 public:
  Describer(const ModelConfig& config, const TensorTable& tensors, const InputSize& input,
            std::vector<std::string>& notes)
      : config_(config),
        tensors_(tensors),
        input_(input),
        notes_(notes),
        where_(in_quotes(tensors.checkpoint().path())) {}

  Result<SwinDescription> run() {
    start();
    apply_stages();
    if (status_.ok()) apply_variants();
    if (status_.ok()) apply_preprocessing();
    if (const std::string problem = problem_of(swin_); !problem.empty()) fail(Code::unsupported, problem);
    if (!status_.ok()) return status_;
    swin_.labels = fitting_labels(config_, swin_.num_classes, notes_);
    return swin_;
  }

 private:
  void fail(Code code, const std::string& what) {
    if (status_.ok()) status_ = Status(code, "checkpoint " + where_ + ": " + what);
  }

  Naming naming() const { return tensors_.naming(); }

  // The architecture by name, else one of the sizes that the tensors tell, else these sizes.
  void start() {
    const bool names_one = config_.kind == ConfigKind::timm || config_.kind == ConfigKind::torchvision;
    std::string name = names_one ? config_.architecture : std::string();
    if (config_.kind == ConfigKind::none) name = tensors_.checkpoint().metadata("architecture");
    if (const auto known = describe_swin_architecture(name)) {
      swin_ = *known;
      return;
    }
    from_shapes();
    const SwinArchitecture* alike = architecture_of_shapes();
    if (alike == nullptr) {
      swin_.architecture = clean_label(name.empty() ? "swin" : name);
      notes_.push_back("architecture " + in_quotes(swin_.architecture) +
                       " is not known; everything is taken from the config and the shapes of the tensors");
      return;
    }
    swin_ = to_description(*alike);
    if (config_.kind == ConfigKind::none) {
      notes_.push_back("there is no config.json; by the shapes of the tensors it is taken for " + swin_.architecture);
    }
  }

  // The edge of a table of offsets, 2 w - 1, whose square is `rows`; 0 if there is none.
  static int window_of(int rows) {
    const int edge = static_cast<int>(std::lround(std::sqrt(static_cast<double>(rows))));
    return edge * edge == rows && edge % 2 == 1 ? (edge + 1) / 2 : 0;
  }

  void from_shapes() {
    swin_.version = tensors_.has("layers.0.blocks.0.attn.logit_scale") ? 2 : 1;
    swin_.embed_dim = tensors_.dimension({"patch_embed.proj.weight"}, 0, 4);
    swin_.patch_size = tensors_.dimension({"patch_embed.proj.weight"}, 2, 4);
    constexpr int kMostStages = 8;
    for (int s = 0; s < kMostStages && tensors_.has((block_name(s, 0) + "norm1.weight").c_str()); ++s) {
      SwinStage stage;
      while (stage.depth < kMostBlocks && tensors_.has((block_name(s, stage.depth) + "norm1.weight").c_str()))
        ++stage.depth;
      const std::string attention = block_name(s, 0) + "attn.";
      if (swin_.version == 1) {
        stage.num_heads = tensors_.dimension({attention + "relative_position_bias_table"}, 1, 2);
        stage.window = window_of(tensors_.dimension({attention + "relative_position_bias_table"}, 0, 2));
      } else {
        stage.num_heads = tensors_.dimension({attention + "cpb_mlp.2.weight"}, 0, 2);
        stage.window = (tensors_.dimension({attention + "relative_coords_table"}, 1, 4) + 1) / 2;
      }
      swin_.stages.push_back(stage);
    }
    const int hidden = tensors_.dimension({block_name(0, 0) + "mlp.fc1.weight"}, 0, 2);
    if (swin_.embed_dim > 0 && hidden > 0) swin_.mlp_ratio = static_cast<double>(hidden) / swin_.embed_dim;
    swin_.num_classes = tensors_.dimension({"head.fc.weight"}, 0, 2);
  }

  const SwinArchitecture* architecture_of_shapes() const {
    for (const SwinArchitecture& a : swin_architectures()) {
      const SwinDescription known = to_description(a);
      bool same = a.torchvision == (naming() == Naming::torchvision_swin) && a.version == swin_.version &&
                  a.embed_dim == swin_.embed_dim && known.stage_count() == swin_.stage_count();
      for (int s = 0; same && s < known.stage_count(); ++s) {
        const SwinStage &theirs = known.stage(s), &ours = swin_.stage(s);
        // What the tensors do not tell fits every window.
        same = theirs.depth == ours.depth && theirs.num_heads == ours.num_heads &&
               (ours.window == 0 || ours.window == theirs.window);
      }
      if (same) return &a;
    }
    return nullptr;
  }

  // One value is that of all stages.
  void set_stages(const std::vector<int>& values, const char* key, int SwinStage::*member) {
    if (values.empty()) return;
    if (values.size() != 1 && values.size() != swin_.stages.size()) {
      return fail(Code::corrupt_file, std::string(key) + " has " + std::to_string(values.size()) +
                                          " values in the config, for " + std::to_string(swin_.stages.size()) +
                                          " stages");
    }
    for (std::size_t s = 0; s < swin_.stages.size(); ++s) swin_.stages[s].*member = values[values.size() > 1 ? s : 0];
  }

  void apply_stages() {
    override_with(config_.patch_size, swin_.patch_size);
    override_with(config_.embed_dim, swin_.embed_dim);
    override_with(config_.mlp_ratio, swin_.mlp_ratio);
    if (!config_.depths.empty()) {
      const SwinStage last = swin_.stages.empty() ? SwinStage() : swin_.stages.back();
      swin_.stages.resize(config_.depths.size(), last);
    }
    set_stages(config_.depths, "depths", &SwinStage::depth);
    set_stages(config_.stage_heads, "num_heads", &SwinStage::num_heads);
    set_stages(config_.windows, "window_size", &SwinStage::window);
    set_stages(config_.pretrained_windows, "pretrained_window_sizes", &SwinStage::pretrained_window);
    const int channels = tensors_.dimension({"patch_embed.proj.weight"}, 1, 4);
    if (channels != 0 && channels != 3) {
      fail(Code::unsupported,
           "the patch embedding takes " + std::to_string(channels) + " channels; 3 (RGB) are supported");
    }
  }

  void apply_variants() {
    override_with(config_.layer_norm_eps, swin_.layer_norm_eps);
    override_with(config_.activation, swin_.activation);
    override_with(config_.qkv_bias, swin_.qkv_bias);
    const int rows = tensors_.dimension({"head.fc.weight"}, 0, 2);
    if (config_.num_classes) {
      swin_.num_classes = *config_.num_classes;
    } else {
      swin_.num_classes = rows;
    }
    if (naming() == Naming::torchvision_swin) {
      swin_.pads_before_move = true;
      swin_.large_window = LargeWindow::stays;
    } else if (naming() == Naming::transformers_swin) {
      swin_.pads_before_move = true;
      swin_.large_window = swin_.version == 1 ? LargeWindow::shrinks_both : LargeWindow::shrinks_by_config;
      swin_.config_height = config_.image_height.value_or(swin_.preprocessing.height);
    }
    if (config_.pooling && *config_.pooling != Pooling::average) {
      fail(Code::unsupported, "global_pool avg is supported");
    }
  }

  void apply_preprocessing() {
    Preprocessing& input = swin_.preprocessing;
    override_with(config_.crop_pct, input.crop_pct);
    override_with(config_.crop_mode, input.crop_mode);
    override_with(config_.interpolation, input.interpolation);
    override_with(config_.mean, input.mean);
    override_with(config_.stddev, input.stddev);
    if (config_.height && config_.width) {
      input.height = *config_.height;
      input.width = *config_.width;
    }
    if (input_.given()) {
      input.height = input_.height;
      input.width = input_.width;
    }
  }

  const ModelConfig& config_;
  const TensorTable& tensors_;
  const InputSize& input_;
  std::vector<std::string>& notes_;
  const std::string where_;
  SwinDescription swin_;
  Status status_;
};

std::string stage_problem(const SwinDescription& swin, int s) {
  const SwinStage& stage = swin.stage(s);
  const std::string where = " of stage " + std::to_string(s);
  if (swin.channels(s) > kLargestWidth || swin.channels(s) * swin.mlp_ratio > kLargestWidth)
    return "the width" + where + " is more than " + std::to_string(kLargestWidth);
  std::string problem = range_problem({{"depth" + where, stage.depth, 1, kMostBlocks},
                                       {"num_heads" + where, stage.num_heads, 1, swin.channels(s)},
                                       {"window_size" + where, stage.window, 1, kLargestWindow},
                                       {"mlp_dim" + where, swin.mlp_dim(s), 1, kLargestWidth}});
  if (problem.empty() && swin.channels(s) % stage.num_heads != 0) {
    problem = "num_heads " + std::to_string(stage.num_heads) + where + " does not divide its " +
              std::to_string(swin.channels(s)) + " channels";
  }
  return problem;
}

}  // namespace

Result<SwinDescription> describe_swin(const ModelConfig& config, const TensorTable& tensors, const InputSize& input,
                                      std::vector<std::string>& notes) {
  return Describer(config, tensors, input, notes).run();
}

std::string problem_of(const SwinDescription& swin) {
  constexpr int kMostStages = 8;
  const Preprocessing& picture = swin.preprocessing;
  std::string problem = range_problem({{"patch_size", swin.patch_size, 1, kLargestPatch},
                                       {"embed_dim", swin.embed_dim, 1, kLargestWidth},
                                       {"the number of stages", swin.stage_count(), 1, kMostStages},
                                       {"num_classes", swin.num_classes, 0, kMostClasses},
                                       {"input height", picture.height, 1, kLargestImage},
                                       {"input width", picture.width, 1, kLargestImage}});
  if (problem.empty()) problem = problem_of_patches(picture, swin.patch_size);
  std::int64_t biases = 0;
  for (int s = 0; problem.empty() && s < swin.stage_count(); ++s) {
    problem = stage_problem(swin, s);
    const std::int64_t places = std::int64_t{swin.grid_height(s)} * swin.grid_width(s);
    if (problem.empty()) problem = problem_of_tokens(places, swin.stage(s).num_heads, swin.channels(s));
    if (!problem.empty()) break;
    const std::int64_t tokens = std::int64_t{swin.window_height(s)} * swin.window_width(s);
    biases += tokens * tokens * swin.stage(s).num_heads * swin.stage(s).depth;
    if (biases > kMostBiases) problem = "its windows are so large that the biases of positions need more than 2 GiB";
  }
  return problem;
}

}  // namespace intvit
