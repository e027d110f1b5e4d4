// convert --max-drop: the fewest quantizers get 8 bits with which a classifier loses no more accuracy than is allowed.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "tools/vitconvert/conversion_job.h"

namespace intvit {

struct MaxDrop {
  double points = 0;       // of top-1, against float on the same pictures
  std::string evaluation;  // LIST of pictures with labels; empty: no limit
};

// --max-drop and --eval.
void add_max_drop(CLI::App& command, MaxDrop& limit);

// invalid_argument or unsupported where the rest of the command line has no room for it.
Status check_max_drop(const Job& job, const MaxDrop& limit);

// Starts from the job's bits. Sites and layers are raised in the order of what they cost the logits alone, worst first;
// how many it takes is found by halving, so the drop is taken to fall with every one. check_failed, with the drop of 8
// bits everywhere, if that is too much, or with what it takes, if that is beyond the job's budget.
Result<Conversion> convert_within_drop(const Job& job, const MaxDrop& limit);

}  // namespace intvit
