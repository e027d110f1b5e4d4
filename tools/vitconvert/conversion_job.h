// What `convert` and `plan` have in common: options, checks that cost nothing, and all that a conversion starts from.
#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <string>

#include "converter/convert/convert.h"
#include "converter/graph/network.h"
#include "converter/observe/picture_source.h"
#include "intvit/picture.h"
#include "tools/vitconvert/source_options.h"

namespace intvit {

struct JobOptions {
  SourceOptions source;
  std::string calibration, plan, labels, isa;
  std::vector<std::string> sites;
  int calibration_count = 0;
  PictureOptions pictures;
  ConvertOptions convert;
  std::string weights = "feedback", equalise_heads = "on";
};

void add_job_options(CLI::App& command, JobOptions& options);

struct Job {
  FloatNetwork network;
  ConvertOptions convert;
  std::unique_ptr<PictureFiles> pictures;  // of calibration
};

// Cheap mistakes first; reads the checkpoint, but no picture.
Result<Job> start_job(JobOptions& options);

// A trial whether the network can be lowered, on the first pictures.
Status try_job(const Job& job);

}  // namespace intvit
