// --classes, --logit-scale and --logit-bias: classes that are told by embeddings of texts.
#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <optional>
#include <string>

#include "converter/families/output_choice.h"

namespace intvit {

struct ClassOptions {
  std::string file;  // empty: none
  std::optional<double> scale, bias;
};

void add_class_options(CLI::App& command, ClassOptions& options);

// Reads the file, if there is one, into `outputs`.
Status read_classes(const ClassOptions& options, OutputChoice& outputs);

}  // namespace intvit
