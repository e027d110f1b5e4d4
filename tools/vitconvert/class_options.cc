#include "tools/vitconvert/class_options.h"

#include "converter/families/class_texts.h"
#include "tools/common/cli/command_line.h"

namespace intvit {

void add_class_options(CLI::App& command, ClassOptions& options) {
  CLI::Option* classes =
      command
          .add_option("--classes", options.file,
                      "Classes for an encoder: embeddings of texts, .npy, float32 [classes, D], of the same model")
          ->check(file_name());
  command
      .add_option("--logit-scale", options.scale,
                  "What cosines are multiplied with, such as 100; if not given, exp of the checkpoint's logit_scale")
      ->check(real_number(1e-3, 1e4, "in [0.001 - 10000]"))
      ->needs(classes);
  command
      .add_option("--logit-bias", options.bias,
                  "What is added (SigLIP; probabilities are then sigmoids); if not given, the checkpoint's logit_bias")
      ->check(real_number(-1e4, 1e4, "in [-10000 - 10000]"))
      ->needs(classes);
}

Status read_classes(const ClassOptions& options, OutputChoice& outputs) {
  if (options.file.empty()) return {};
  Result<ClassTexts> texts = read_class_texts(options.file);
  if (!texts.ok()) return texts.status();
  outputs.texts = texts.take();
  outputs.texts->scale = options.scale;
  outputs.texts->bias = options.bias;
  return {};
}

}  // namespace intvit
