// Places in the network: what each step leaves in a buffer, whichever later step uses the same memory. A program that
// ends there and shows it as an output runs instead of the model's, on the same kernels, so that the engine keeps
// nothing for whoever looks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/ops/operand.h"
#include "engine/program/program.h"
#include "intvit/isa.h"
#include "intvit/model.h"
#include "intvit/session.h"

namespace intvit {

struct Site {
  std::string layer;      // "blocks.3.norm1"
  std::string operation;  // "layer_norm"
  bool is_lists = false;  // of values aside (engine/ops/encode.h), beside the operation's result
  std::size_t step = 0;
  BufferId buffer = kNone;
  std::uint32_t highest_code = 255;  // of u8
  bool can_be_shown = true;          // outputs have no numbers in two planes of bytes
};

// In the order of the program.
std::vector<Site> sites_of(const Program& program);

// Sites [first, end) of a list, which one run can show.
struct SiteRange {
  std::size_t first = 0;
  std::size_t end = 0;
};

// Few ranges, since a run makes all steps before its sites, of `most` sites at most each. `sites` can be shown and are
// in the order of the program.
std::vector<SiteRange> site_ranges(const Program& program, const std::vector<Site>& sites, std::size_t most = SIZE_MAX);

// What shows the sites of a range: output i of the session is site first + i.
struct SiteRun {
  std::vector<std::uint8_t> model;  // which the session uses
  std::unique_ptr<Session> session;
};

// The errors of Session::create().
Result<SiteRun> make_site_run(const Program& program, const std::vector<Site>& sites, const SiteRange& range, Isa isa,
                              int threads);

}  // namespace intvit
