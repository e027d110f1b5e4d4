// Runs a model on many picture files and hands over the results in the order of the pictures, whatever order they
// finish in.
//
// More pictures than threads, or an unknown number of them: every thread classifies pictures of its own, decoding
// included, which is the fastest, since threads never wait for each other. Otherwise all threads share each picture,
// which is the soonest. The results are the same. Only a few results wait for their turn at any time, so that memory
// does not grow with the number of pictures.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "intvit/isa.h"
#include "intvit/model.h"
#include "intvit/picture.h"
#include "intvit/session.h"
#include "tools/common/pictures/picture_feed.h"
#include "tools/common/results/outputs.h"

namespace intvit {

struct ClassifiedPicture {
  std::string name;  // the path of the InputPicture
  Status status;
  // If status is ok; instruction set and threads are those of the session that ran it.
  std::vector<std::int32_t> logits;  // none of a model without
  std::vector<RealValues> outputs;   // if they were asked for
  std::vector<std::uint8_t> pixels;  // what the network saw, u8 [input_height][input_width][3], if it was asked for
  std::uint64_t digest = 0;          // of all outputs
  Isa isa = Isa::scalar;
  int threads = 0;
  PictureRemarks remarks;
};

// What is wanted beside logits and digest.
struct ResultParts {
  ResultParts(bool with_outputs = false, bool with_pixels = false) : outputs(with_outputs), pixels(with_pixels) {}

  bool outputs;
  bool pixels;
};

// Who did the work: the threads of all sessions together.
struct Workers {
  Isa isa = Isa::scalar;
  int threads = 0;
};

// Called with indices 0, 1, 2, ...; from several threads, but never at the same time.
using ConsumePicture = std::function<void(std::size_t index, const ClassifiedPicture& picture)>;

// An error only if no session can be made or results do not fit into memory; pictures that fail are handed over like
// the others. Each result is handed over as soon as it is its turn, also while the feed waits for the next picture.
// `made` is a session for one picture on that instruction set with all of the threads, if there is one already: it is
// used where threads share each picture.
Result<Workers> classify_in_order(const std::shared_ptr<const Model>& model, Isa isa, int threads,
                                  PictureFeed& pictures, const ConsumePicture& consume, const ResultParts& parts = {},
                                  const PictureOptions& options = {}, std::unique_ptr<Session> made = nullptr);

Result<Workers> classify_in_order(const std::shared_ptr<const Model>& model, Isa isa, int threads,
                                  std::span<const InputPicture> pictures, const ConsumePicture& consume,
                                  const ResultParts& parts = {}, const PictureOptions& options = {});

}  // namespace intvit
