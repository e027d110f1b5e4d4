// What prediction and evaluation share: options, model, the files that are written beside the results.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "intvit/isa.h"
#include "intvit/model.h"
#include "intvit/session.h"
#include "picture/notes.h"
#include "tools/common/cli/progress_line.h"
#include "tools/common/pictures/classify_in_order.h"
#include "tools/common/results/array_file.h"
#include "tools/common/results/logits_file.h"
#include "tools/common/results/output_folder.h"
#include "tools/vitrun/vitrun_options.h"

namespace intvit {

struct Job {
  VitrunOptions options;
  std::shared_ptr<const Model> model;
  Isa isa = Isa::scalar;
  LogitsFile logits;
  OutputFolder outputs;
  ArrayFile embeddings;
  std::shared_ptr<const PreparedPicture> prepared;  // the only input, if it was read before there was a model
  std::unique_ptr<Session> session = nullptr;       // for that input, made while it was read
  std::size_t embedding_output = 0;                 // where there are embeddings
  std::size_t failed = 0;
  NpyMatrix seen{std::vector<std::size_t>(), NpyType::u8};  // of --dump-input
  PictureNotes notes{};

  bool has_logits() const { return model->classes() > 0; }
  // Real values of outputs are printed or written.
  bool writes_outputs() const { return outputs.is_wanted() || embeddings.is_wanted(); }
  bool needs_outputs() const { return writes_outputs() || model->outputs().size() > (has_logits() ? 1 : 0); }
  ResultParts parts(bool with_outputs) const { return {with_outputs, !options.dump_input.empty()}; }
  // Adds what is written at the end and prints notes or, of a picture that failed, the error. Whether it ran.
  bool take(const ClassifiedPicture& picture, ProgressLine& progress);

 private:
  void add(const ClassifiedPicture& picture);
  // To stderr, unless there is to be nothing but errors.
  void print_notes(const ClassifiedPicture& picture, ProgressLine& progress);
};

// An error to stderr; returns the exit code.
int fail(const Status& status, int exit_code);

// Writes what remains to be written and finds the exit code.
int finish(Job& job);

// The exit codes of vitrun without and with --eval.
int predict(Job& job);
int evaluate(Job& job);

}  // namespace intvit
