// The command line of vitrun.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "intvit/picture.h"
#include "tools/common/cli/output_format.h"
#include "tools/common/pictures/frame_feed.h"
#include "tools/common/pictures/input_pictures.h"
#include "tools/common/pictures/shard.h"

namespace intvit {

struct VitrunOptions {
  bool has_model = false;  // a bundle: its command line has no MODEL
  std::string model;
  std::string bundle;  // program to write, or empty
  std::vector<std::string> inputs;
  NameEnd name_end = NameEnd::line;  // of names on stdin
  std::string eval_list;             // not empty: measure accuracy instead of printing predictions
  int top_k = 5;
  bool top_k_given = false;
  int threads = 0;
  std::string isa;  // empty: select_isa chooses
  OutputFormat format = OutputFormat::text;
  bool digest = false;
  std::optional<Shard> shard;          // of the inputs, or of --eval's list
  std::vector<std::string> summaries;  // to add up, instead of everything else
  bool stats = false;
  bool selftest = false;
  bool quiet = false;     // neither progress nor notes on stderr
  std::string confusion;  // .csv to write, or empty
  std::string logits;     // .npy to write, or empty
  std::string outputs;    // folder to write, or empty
  PictureOptions pictures;
  std::optional<FrameFormat> frames;  // inputs are frames of this format
  std::string dump_input;             // .npy to write, or empty
  std::string labels;                 // text file, or empty: those of the model
  std::string embedding;              // .npy to write, or empty
  bool similarity = false;
  std::string query;      // the picture whose nearest ones are wanted, or empty
  std::string cache;      // of embeddings, or empty
  std::string attention;  // folder to write pictures of attention to instead, or empty
  int attention_layer = -1;
  std::string attention_head = "mean";
  std::vector<std::string> dump;  // sites to write instead, or "list"
  std::string dump_to;            // the folder for them

  bool lists_sites() const { return dump.size() == 1 && dump[0] == "list"; }
};

// Fills `options`, or returns the exit code with which vitrun has to stop.
std::optional<int> parse_vitrun_options(int argc, const char* const* argv, VitrunOptions& options);

}  // namespace intvit
