// The command line of vitrun.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "intvit/picture.h"

namespace intvit {

struct VitrunOptions {
  std::string model;
  std::vector<std::string> inputs;
  std::string eval_list;  // not empty: measure accuracy instead of printing predictions
  int top_k = 5;
  bool top_k_given = false;
  int threads = 0;
  std::string isa;  // empty: select_isa chooses
  bool json = false;
  bool digest = false;
  std::string logits;   // .npy to write, or empty
  std::string outputs;  // folder to write, or empty
  PictureOptions pictures;
  std::string labels;     // text file, or empty: those of the model
  std::string embedding;  // .npy to write, or empty
  bool similarity = false;
  std::string query;      // the picture whose nearest ones are wanted, or empty
  std::string cache;      // of embeddings, or empty
  std::string attention;  // folder to write pictures of attention to instead, or empty
  int attention_layer = -1;
  std::string attention_head = "mean";
};

// Fills `options`, or returns the exit code with which vitrun has to stop.
std::optional<int> parse_vitrun_options(int argc, const char* const* argv, VitrunOptions& options);

}  // namespace intvit
