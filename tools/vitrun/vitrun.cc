// vitrun: runs a model on pictures and prints what it sees, or measures how often it is right. docs/ has the manual;
// this file is the order of things.
#include <filesystem>
#include <iostream>
#include <optional>
#include <utility>

#include "engine/model/model_opening.h"
#include "engine/run/select_isa.h"
#include "tools/common/cli/exit_code.h"
#include "tools/common/cli/file_state.h"
#include "tools/common/cli/run_tool.h"
#include "tools/common/results/output_file.h"
#include "tools/vitrun/attention_maps.h"
#include "tools/vitrun/bundle.h"
#include "tools/vitrun/compare.h"
#include "tools/vitrun/dump.h"
#include "tools/vitrun/embed.h"
#include "tools/vitrun/job.h"
#include "tools/vitrun/selftest.h"
#include "tools/vitrun/stats.h"
#include "tools/vitrun/summarise.h"
#include "tools/vitrun/vitrun_options.h"

namespace intvit {
namespace {

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

// What is ready for the only picture before there is a model to return.
struct Prepared {
  std::shared_ptr<const PreparedPicture> picture;
  std::unique_ptr<Session> session;
};

// Among several pictures the time would not show.
bool has_one_picture(const VitrunOptions& options) {
  std::error_code ignored;
  return options.inputs.size() == 1 && options.inputs[0] != "-" && !options.similarity && options.query.empty() &&
         !options.frames && options.attention.empty() && options.dump.empty() && !options.stats &&
         !std::filesystem::is_directory(options.inputs[0], ignored);
}

// Reads the only picture while its model is being checked, and makes the session for it.
Result<std::shared_ptr<const Model>> open_model(const VitrunOptions& options, const std::optional<Bundle>& bundle,
                                                Isa isa, Prepared& prepared) {
  if (bundle) return open_bundle(*bundle);
  if (!has_one_picture(options)) return ModelOpening(options.model).finish();
  ModelOpening opening(options.model, [&](const std::shared_ptr<const Model>& model) {
    Result<std::unique_ptr<Session>> session = Session::create(model, {.threads = options.threads, .isa = isa});
    if (session.ok()) prepared.session = session.take();
  });
  if (opening.geometry() != nullptr) {
    prepared.picture = std::make_shared<PreparedPicture>(
        prepare_picture(options.inputs[0], options.pictures, *opening.geometry(), isa));
  }
  return opening.finish();
}

int run(VitrunOptions options, const std::optional<Bundle>& bundle) {
  if (!options.summaries.empty()) return summarise(options);
  const Result<Isa> isa = select_isa(options.isa);
  if (!isa.ok()) return fail(isa.status(), exit_code_for(isa.status()));
  const FileState model_file(options.model);
  Prepared prepared;
  const Result<std::shared_ptr<const Model>> model = open_model(options, bundle, isa.value(), prepared);
  if (!model.ok()) return fail(model.status(), kExitModel);
  if (!options.bundle.empty()) {
    const Status status = write_bundle(options.model, options.bundle);
    return status.ok() ? kExitOk : fail(status, kExitUsage);
  }
  // The end of the process unmaps it, sooner than a destructor would.
  [[maybe_unused]] static const auto* const kept = new std::shared_ptr<const Model>(model.value());
  if (const Status status = check_logits(options, *model.value()); !status.ok()) return fail(status, kExitUsage);
  if (options.selftest) {
    const Result<int> code = run_selftest(options, model.value(), std::cout);
    return code.ok() ? code.value() : fail(code.status(), exit_code_for(code.status()));
  }
  if (options.stats) {
    const Result<int> code = print_stats(options, *model.value(), isa.value());
    return code.ok() ? code.value() : fail(code.status(), exit_code_for(code.status()));
  }
  if (!options.dump.empty()) {
    const Result<int> code = dump_sites(options, *model.value(), isa.value());
    return code.ok() ? code.value() : fail(code.status(), exit_code_for(code.status()));
  }
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
  if (const Status status = check_output_file("the input", options.dump_input); !status.ok()) {
    return fail(status, kExitUsage);
  }
  std::size_t embedding = 0;
  if (!options.embedding.empty()) {
    const Result<std::size_t> output = embedding_output(*model.value(), "--embedding");
    if (!output.ok()) return fail(output.status(), kExitUsage);
    embedding = output.value();
  }
  const ArrayFile embeddings(options.embedding, "embeddings", model.value()->outputs()[embedding].columns);
  if (const Status status = embeddings.check(); !status.ok()) return fail(status, kExitUsage);
  Job job{std::move(options),          model.value(), isa.value(), logits, outputs, embeddings, prepared.picture,
          std::move(prepared.session), embedding};
  const auto size = [](int edge) { return static_cast<std::size_t>(edge); };
  job.seen = NpyMatrix({size(job.model->input_height()), size(job.model->input_width()), 3}, NpyType::u8);
  const int code = job.options.eval_list.empty() ? predict(job) : evaluate(job);
  const Status unchanged = model_file.check();
  return unchanged.ok() ? code : fail(unchanged, kExitModel);
}

int vitrun(int argc, char** argv) {
  std::cin.tie(nullptr);  // names are read while another thread prints
  VitrunOptions options;
  const std::optional<Bundle> bundle = own_bundle();
  options.has_model = bundle.has_value();
  if (bundle) options.model = argv[0];  // what JSON calls it
  if (const auto code = parse_vitrun_options(argc, argv, options)) return *code;
  return run(std::move(options), bundle);
}

}  // namespace
}  // namespace intvit

int main(int argc, char** argv) {
  std::ios::sync_with_stdio(false);
  return intvit::run_tool("vitrun", intvit::vitrun, argc, argv);
}
