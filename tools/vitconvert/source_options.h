// Which checkpoint is read and how: what all commands that read one have in common.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "converter/families/input_size.h"
#include "converter/families/output_choice.h"
#include "converter/graph/network.h"
#include "tools/vitconvert/class_options.h"

namespace intvit {

struct SourceOptions {
  std::string path;
  OutputChoice outputs;
  ClassOptions classes;
  InputSize input;
  bool verbose = false;  // errors name all tensors
};

// SRC, --classes with its companions, and --verbose.
void add_source_options(CLI::App& command, SourceOptions& options);

// --ports and --layers: the outputs of a network that is read.
void add_output_options(CLI::App& command, OutputChoice& outputs);

// --input-size: N for a square, or HxW.
void add_input_size_option(CLI::App& command, InputSize& input);

// The checkpoint, with the texts' embeddings in `options.outputs`; what its reader has to say goes to stderr.
Result<FloatNetwork> load_with_notes(SourceOptions& options);

}  // namespace intvit
