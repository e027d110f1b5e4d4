// What `convert` and `plan` have in common: options, checks that cost nothing, and all that a conversion starts from.
#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <string>

#include "converter/convert/calibration_cache.h"
#include "converter/convert/convert.h"
#include "converter/graph/network.h"
#include "converter/observe/picture_source.h"
#include "converter/optimise/training_state.h"
#include "intvit/picture.h"
#include "tools/common/cli/exit_code.h"
#include "tools/common/pictures/picture_list.h"
#include "tools/vitconvert/source_options.h"

namespace intvit {

struct JobOptions {
  SourceOptions source;
  std::string calibration, cache, resume, plan, labels, isa;
  std::vector<std::string> sites;
  int calibration_count = 0;
  bool strict = false;  // a picture that cannot be read is an error
  PictureOptions pictures;
  ConvertOptions convert;
  std::string weights = "feedback", equalise_heads = "on";
};

void add_job_options(CLI::App& command, JobOptions& options);

struct Job {
  FloatNetwork network;
  ConvertOptions convert;
  InputGeometry geometry;
  PictureOptions reading;
  bool strict = false;
  std::vector<LabelledPicture> calibration, unseen;
  std::string cache_path, resume_path;  // may be empty
  FileKey key;                          // of what is kept there, but for the pictures
  std::string training;                 // what the second depends on beside
  // After open_pictures(); all but the first only where there are any.
  std::unique_ptr<PictureFiles> pictures, unseen_pictures;
  std::unique_ptr<CalibrationCache> cache;
  std::unique_ptr<TrainingState> training_state;
  std::size_t left_out = 0;  // calibration pictures, and folders of them, that cannot be read
};

// That of a job that went well.
inline int exit_code_of(const Job& job) { return job.left_out > 0 ? kExitSomeInputsFailed : kExitOk; }

// Cheap mistakes first; reads the checkpoint, but no picture.
Result<Job> start_job(JobOptions& options);

// Leaves out pictures that cannot be read, and tries on the first ones whether the network can be lowered.
Status open_pictures(Job& job);

}  // namespace intvit
