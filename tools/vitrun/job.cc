#include "tools/vitrun/job.h"

#include <iostream>

#include "tools/common/cli/exit_code.h"
#include "tools/common/cli/shown_text.h"

namespace intvit {

int fail(const Status& status, int exit_code) {
  print_message("vitrun", status.message());
  return status.code() == Code::out_of_memory ? kExitModel : exit_code;
}

void Job::add(const ClassifiedPicture& picture) {
  logits.add(picture.logits);
  outputs.add(picture.outputs);
  if (!options.dump_input.empty()) seen.add_row(picture.pixels);
  if (embeddings.is_wanted()) embeddings.add(picture.outputs[embedding_output]);
}

bool Job::take(const ClassifiedPicture& picture, ProgressLine& progress) {
  if (picture.status.ok()) {
    add(picture);
    print_notes(picture, progress);
    return true;
  }
  ++failed;
  progress.clear();
  print_message("vitrun", picture.status.message());
  return false;
}

void Job::print_notes(const ClassifiedPicture& picture, ProgressLine& progress) {
  if (options.quiet) return;
  notes.add(picture.name, picture.remarks, options.pictures);
  for (const std::string& note : notes.take()) {
    progress.clear();
    print_message("vitrun", note);
  }
}

int finish(Job& job) {
  const auto warn = [&](const std::string& path, std::size_t rows) {
    if (path.empty() || job.failed == 0) return;
    print_message("vitrun", "'" + path + "' has " + std::to_string(rows) + " rows, for the pictures that ran; " +
                                std::to_string(job.failed) + " missing");
  };
  warn(job.options.logits, job.logits.rows());
  warn(job.options.outputs, job.outputs.rows());
  warn(job.options.embedding, job.embeddings.rows());
  warn(job.options.dump_input, job.seen.rows());
  if (const Status status = job.logits.write(); !status.ok()) return fail(status, kExitUsage);
  if (const Status status = job.outputs.write(); !status.ok()) return fail(status, kExitUsage);
  if (const Status status = job.embeddings.write(); !status.ok()) return fail(status, kExitUsage);
  if (!job.options.dump_input.empty()) {
    if (const Status status = job.seen.write(job.options.dump_input); !status.ok()) return fail(status, kExitUsage);
  }
  if (!std::cout.flush()) return fail({Code::io, "cannot write the results to stdout"}, kExitUsage);
  return job.failed > 0 ? kExitSomeInputsFailed : kExitOk;
}

}  // namespace intvit
