// vitrun: runs a model on pictures and prints what it sees, or measures how often it is right. docs/ has the manual;
// this file is the order of things and what goes to stderr.
#include <chrono>
#include <cmath>
#include <filesystem>
#include <iomanip>
#include <iostream>
#include <new>
#include <nlohmann/json.hpp>
#include <sstream>

#include "engine/model/model_opening.h"
#include "engine/run/select_isa.h"
#include "picture/notes.h"
#include "tools/common/cli/exit_code.h"
#include "tools/common/cli/progress_line.h"
#include "tools/common/pictures/classify_in_order.h"
#include "tools/common/pictures/labels_file.h"
#include "tools/common/pictures/picture_list.h"
#include "tools/common/results/accuracy.h"
#include "tools/common/results/array_file.h"
#include "tools/common/results/json_text.h"
#include "tools/common/results/logits_file.h"
#include "tools/common/results/output_folder.h"
#include "tools/vitrun/attention_maps.h"
#include "tools/vitrun/compare.h"
#include "tools/vitrun/embed.h"
#include "tools/vitrun/result_writer.h"
#include "tools/vitrun/vitrun_options.h"

namespace intvit {
namespace {

int fail(const Status& status, int exit_code) {
  std::cerr << "vitrun: " << status.message() << '\n';
  return exit_code;
}

// Everything that prediction and evaluation share.
struct Job {
  VitrunOptions options;
  std::shared_ptr<const Model> model;
  Isa isa = Isa::scalar;
  LogitsFile logits;
  OutputFolder outputs;
  ArrayFile embeddings;
  std::shared_ptr<const PreparedPicture> prepared;  // the only input, if it was read before there was a model
  std::size_t embedding_output = 0;                 // where there are embeddings
  std::size_t failed = 0;
  PictureNotes notes{};

  bool has_logits() const { return model->classes() > 0; }
  // Real values of outputs are printed or written.
  bool writes_outputs() const { return outputs.is_wanted() || embeddings.is_wanted(); }
  bool needs_outputs() const { return writes_outputs() || model->outputs().size() > (has_logits() ? 1 : 0); }
  void add(const ClassifiedPicture& picture) {
    logits.add(picture.logits);
    outputs.add(picture.outputs);
    if (embeddings.is_wanted()) embeddings.add(picture.outputs[embedding_output]);
  }
  void print_notes(const std::string& name, const ClassifiedPicture& picture) {
    notes.add(name, picture.remarks, options.pictures);
    for (const std::string& note : notes.take()) std::cerr << "vitrun: " << note << '\n';
  }
};

// Writes what remains to be written and finds the exit code.
int finish(Job& job) {
  const auto warn = [&](const std::string& path, std::size_t rows) {
    if (path.empty() || job.failed == 0) return;
    std::cerr << "vitrun: '" << path << "' has " << rows << " rows, for the pictures that ran; " << job.failed
              << " missing\n";
  };
  warn(job.options.logits, job.logits.rows());
  warn(job.options.outputs, job.outputs.rows());
  warn(job.options.embedding, job.embeddings.rows());
  if (const Status status = job.logits.write(); !status.ok()) return fail(status, kExitUsage);
  if (const Status status = job.outputs.write(); !status.ok()) return fail(status, kExitUsage);
  if (const Status status = job.embeddings.write(); !status.ok()) return fail(status, kExitUsage);
  if (!std::cout.flush()) return fail({Code::io, "cannot write the results to stdout"}, kExitUsage);
  return job.failed > 0 ? kExitSomeInputsFailed : kExitOk;
}

int predict(Job& job) {
  const Result<LogitRule> rule = job.model->logit_rule();
  if (!rule.ok()) return fail(rule.status(), kExitModel);
  ResultFormat format{job.options.json, job.options.digest,  job.options.top_k,   job.model->logit_fraction_bits(),
                      rule.value(),     job.model->labels(), job.model->outputs()};
  if (!job.options.labels.empty()) {
    Result<std::vector<std::string>> labels = read_labels(job.options.labels, job.model->classes());
    if (!labels.ok()) return fail(labels.status(), kExitUsage);
    format.labels = labels.take();
  }
  std::vector<InputPicture> pictures = expand_inputs(job.options.inputs, std::cin);
  if (pictures.size() == 1) pictures[0].prepared = job.prepared;
  if (pictures.empty()) std::cerr << "vitrun: no picture was named on stdin\n";
  const std::unique_ptr<ResultWriter> writer = make_result_writer(std::cout, std::move(format));
  const auto consume = [&](std::size_t index, const ClassifiedPicture& picture) {
    const std::string& name = pictures[index].path;
    if (picture.status.ok()) {
      writer->picture(name, picture);
      job.add(picture);
      job.print_notes(name, picture);
    } else {
      ++job.failed;
      std::cerr << "vitrun: " << picture.status.message() << '\n';
      writer->failure(name, picture.status);
    }
  };
  const auto workers = classify_in_order(job.model, job.isa, job.options.threads, pictures, consume,
                                         job.needs_outputs(), job.options.pictures);
  if (!workers.ok()) return fail(workers.status(), exit_code_for(workers.status()));
  writer->finish();
  return finish(job);
}

void print_accuracy(const Job& job, const Workers& workers, const Accuracy& accuracy, double images_per_s) {
  const Interval interval = accuracy.top1_interval();
  if (job.options.json) {
    const auto percent = [&](double value) {
      return accuracy.count() > 0 ? nlohmann::ordered_json(value) : nlohmann::ordered_json(nullptr);
    };
    const nlohmann::ordered_json object = {
        {"model", job.options.model},
        {"count", accuracy.count()},
        {"failed", job.failed},
        {"top1", percent(accuracy.top1_percent())},
        {"top1_low", percent(interval.low)},
        {"top1_high", percent(interval.high)},
        {"top5", percent(accuracy.top5_percent())},
        {"images_per_s", images_per_s},
        {"isa", isa_name(workers.isa)},
        {"threads", workers.threads},
    };
    std::cout << json_text(object, 2) << '\n';
    return;
  }
  std::cout << std::fixed << std::setprecision(2);
  std::cout << "pictures  " << accuracy.count();
  if (job.failed > 0) std::cout << " (" << job.failed << " failed)";
  std::cout << "\ntop-1     " << accuracy.top1_percent() << " % (95 % interval " << interval.low << " to "
            << interval.high << ")\ntop-5     " << accuracy.top5_percent() << " %\n";
  std::cout << "speed     " << std::setprecision(1) << images_per_s << " images/s, decoding included ("
            << workers.threads << (workers.threads == 1 ? " thread, " : " threads, ") << isa_name(workers.isa) << ")\n";
}

std::string progress_text(std::size_t done, std::size_t total, const Accuracy& accuracy, double seconds) {
  std::ostringstream text;
  const double rate = static_cast<double>(done) / seconds;
  text << std::fixed << std::setprecision(1) << done << " of " << total << "  top-1 " << accuracy.top1_percent()
       << " %  " << rate << " images/s  " << std::setprecision(0) << static_cast<double>(total - done) / rate
       << " s left";
  return text.str();
}

int evaluate(Job& job) {
  const std::string& list = job.options.eval_list;
  const Result<std::vector<LabelledPicture>> labelled = read_picture_list(list, job.model->classes() - 1);
  if (!labelled.ok()) return fail(labelled.status(), kExitUsage);
  std::vector<InputPicture> pictures;
  for (const LabelledPicture& picture : labelled.value()) {
    if (picture.label < 0) {
      return fail({Code::invalid_argument, "'" + list + "' gives no label for '" + picture.path +
                                               "'; --eval needs a line 'path label' for every picture"},
                  kExitUsage);
    }
    pictures.push_back({picture.path, {}});
  }
  Accuracy accuracy;
  ProgressLine progress;
  const auto start = std::chrono::steady_clock::now();
  const auto seconds = [&] { return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count(); };
  const auto consume = [&](std::size_t index, const ClassifiedPicture& picture) {
    if (picture.status.ok()) {
      accuracy.add(picture.logits.data(), job.model->classes(), labelled.value()[index].label);
      job.add(picture);
      job.print_notes(pictures[index].path, picture);
    } else {
      ++job.failed;
      progress.clear();
      std::cerr << "vitrun: " << picture.status.message() << '\n';
    }
    if (progress.due()) progress.show(progress_text(index + 1, pictures.size(), accuracy, seconds()));
  };
  const auto workers = classify_in_order(job.model, job.isa, job.options.threads, pictures, consume,
                                         job.writes_outputs(), job.options.pictures);
  progress.clear();
  if (!workers.ok()) return fail(workers.status(), exit_code_for(workers.status()));
  print_accuracy(job, workers.value(), accuracy, static_cast<double>(accuracy.count()) / seconds());
  return finish(job);
}

// Whether the model has the logits that an option is about.
Status check_logits(const VitrunOptions& options, const Model& model) {
  const char* option = !options.eval_list.empty()                     ? "--eval"
                       : !options.logits.empty()                      ? "--logits"
                       : !options.labels.empty()                      ? "--labels"
                       : options.top_k_given && options.query.empty() ? "--topk"
                                                                      : nullptr;
  if (option == nullptr || model.classes() > 0) return {};
  return {Code::invalid_argument, std::string(option) + " needs logits, which '" + options.model +
                                      "' does not have; --outputs DIR writes what it has"};
}

// Reads the picture while its model is being checked, if there is just one: among several the time does not show.
std::shared_ptr<const PreparedPicture> prepare_only_input(const VitrunOptions& options, const ModelOpening& model,
                                                          Isa isa) {
  std::error_code ignored;
  const bool is_only_picture = options.inputs.size() == 1 && options.inputs[0] != "-" && !options.similarity &&
                               options.query.empty() && options.attention.empty() &&
                               !std::filesystem::is_directory(options.inputs[0], ignored);
  if (!is_only_picture || model.geometry() == nullptr) return nullptr;
  return std::make_shared<PreparedPicture>(
      prepare_picture(options.inputs[0], options.pictures, *model.geometry(), isa));
}

int run(VitrunOptions options) {
  const Result<Isa> isa = select_isa(options.isa);
  if (!isa.ok()) return fail(isa.status(), exit_code_for(isa.status()));
  ModelOpening opening(options.model);
  const auto prepared = prepare_only_input(options, opening, isa.value());
  const Result<std::shared_ptr<const Model>> model = opening.finish();
  if (!model.ok()) return fail(model.status(), kExitModel);
  // The end of the process unmaps it, sooner than a destructor would.
  [[maybe_unused]] static const auto* const kept = new std::shared_ptr<const Model>(model.value());
  if (const Status status = check_logits(options, *model.value()); !status.ok()) return fail(status, kExitUsage);
  if (!options.attention.empty()) {
    const Result<int> done = write_attention_maps(options, model.value(), isa.value());
    return done.ok() ? done.value() : fail(done.status(), exit_code_for(done.status()));
  }
  if (options.similarity || !options.query.empty()) {
    const Result<int> done = options.similarity ? print_similarity(options, model.value(), isa.value())
                                                : print_nearest(options, model.value(), isa.value());
    return done.ok() ? done.value() : fail(done.status(), kExitUsage);
  }
  const LogitsFile logits(options.logits, model.value()->classes(), model.value()->logit_fraction_bits());
  if (const Status status = logits.check(); !status.ok()) return fail(status, kExitUsage);
  const OutputFolder outputs(options.outputs, model.value()->outputs());
  if (const Status status = outputs.check(); !status.ok()) return fail(status, kExitUsage);
  std::size_t embedding = 0;
  if (!options.embedding.empty()) {
    const Result<std::size_t> output = embedding_output(*model.value(), "--embedding");
    if (!output.ok()) return fail(output.status(), kExitUsage);
    embedding = output.value();
  }
  const ArrayFile embeddings(options.embedding, "embeddings", model.value()->outputs()[embedding].columns);
  if (const Status status = embeddings.check(); !status.ok()) return fail(status, kExitUsage);
  Job job{std::move(options), model.value(), isa.value(), logits, outputs, embeddings, prepared, embedding};
  return job.options.eval_list.empty() ? predict(job) : evaluate(job);
}

}  // namespace
}  // namespace intvit

int main(int argc, char** argv) {
  std::ios::sync_with_stdio(false);
  intvit::VitrunOptions options;
  if (const auto code = intvit::parse_vitrun_options(argc, argv, options)) return *code;
  try {
    return intvit::run(std::move(options));
  } catch (const std::bad_alloc&) {
    return intvit::fail({intvit::Code::out_of_memory, "out of memory"}, intvit::kExitModel);
  }
}
