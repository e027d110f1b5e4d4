#include "tools/vitconvert/sweep/sweep.h"

#include <cstdio>

#include "converter/convert/convert.h"
#include "converter/methods/auto/latency.h"
#include "engine/format/checksum.h"
#include "engine/format/writer.h"
#include "tools/common/machine/machine.h"
#include "tools/common/results/digest.h"

namespace intvit {
namespace {

class Sweep {
 public:
  Sweep(const SweepInput& input, const Progress& progress, const Log& log)
      : input_(input),
        progress_(progress),
        log_(log),
        cpu_(cpu_name()),
        calibration_(paths_of(input.calibration), input.geometry, input.reading),
        models_(input.combinations.size()) {}

  Result<SweepReport> run() {
    if (Status status = find_truth(); !status.ok()) return status;
    SweepReport report;
    report.float_accuracy = truth_.accuracy(input_.evaluation);
    if (report.float_accuracy.count() == 0) return Status(Code::io, "no evaluation picture can be read");
    for (std::size_t i = 0; i < input_.combinations.size(); ++i) {
      SweepResult result{input_.combinations[i], {}, false, {}, 0, 0, {}, {}};
      if (!reuse(result)) {
        log_(where(i) + "converting");
        result.failure = make(result, models_[i]);
        if (!result.failure.ok()) progress_("", 1, 1);  // clears what was going on
        log_(where(i) + (result.failure.ok() ? summary(result) : "failed: " + result.failure.message()));
      } else {
        log_(where(i) + "reused '" + path_of(result, ".json") + "'");
      }
      report.results.push_back(std::move(result));
    }
    if (input_.latency_runs > 0) {
      if (Status status = time(report.results); !status.ok()) return status;
    }
    return report;
  }

 private:
  std::string where(std::size_t i) const {
    const Combination& c = input_.combinations[i];
    return "[" + std::to_string(i + 1) + "/" + std::to_string(input_.combinations.size()) + "] " +
           c.method_and_settings() + " " + c.bits.name() + ": ";
  }

  static std::string summary(const SweepResult& result) {
    char text[160];
    std::snprintf(text, sizeof text, "top-1 %.2f %%, drop %.2f, agreement %.2f %%, SQNR %.2f dB, %.2f MB",
                  result.evaluation.top1, result.evaluation.drop(), result.evaluation.agreement,
                  result.evaluation.logit_sqnr_db, static_cast<double>(result.bytes) / 1e6);
    return text;
  }

  std::string path_of(const SweepResult& result, const char* extension) const {
    return input_.folder + "/" + result.combination.name() + extension;
  }

  Status find_truth() {
    const std::string key = float_key(input_.checksums);
    const auto classes = static_cast<std::size_t>(input_.network.classes());
    if (!input_.folder.empty() && load(input_.folder, key, input_.evaluation.size(), classes, truth_)) {
      log_("float network: reused '" + input_.folder + "/float_logits.npy'");
      return {};
    }
    Result<FloatTruth> truth = float_truth(input_.network, input_.evaluation, input_.reading, input_.geometry,
                                           input_.threads, progress_, log_);
    if (!truth.ok()) return truth.status();
    truth_ = truth.take();
    return input_.folder.empty() ? Status() : save(truth_, input_.folder, key);
  }

  bool is_of_this_machine(const Latency& latency) const {
    return latency.isa == isa_name(input_.isa) && latency.cpu == cpu_;
  }

  // Says why not, unless there simply is nothing.
  bool reuse(SweepResult& result) {
    if (input_.folder.empty()) return false;
    const std::string path = path_of(result, ".json"), model = path_of(result, ".bin");
    SweepResult stored = result;
    switch (read_result(path, key_of(result.combination, input_.checksums), stored)) {
      case Stored::absent:
        return false;
      case Stored::damaged:
        log_("'" + path + "' is damaged and will be made anew");
        return false;
      case Stored::other_key:
        log_("'" + path + "' is of other inputs, settings or another vitconvert and will be made anew");
        return false;
      case Stored::ok:
        break;
    }
    if (hex64(checksum64(read_bytes(model))) != stored.model_checksum) {
      log_("'" + model + "' is missing or not what '" + path + "' is about; both will be made anew");
      return false;
    }
    // Another machine's latency would mislead beside this one's.
    if (stored.latency && !is_of_this_machine(*stored.latency)) stored.latency.reset();
    result = std::move(stored);
    result.reused = true;
    return true;
  }

  Status make(SweepResult& result, std::shared_ptr<const Model>& model) {
    ConvertOptions options;
    options.method = result.combination.method;
    options.weight_bits = result.combination.bits.weights;
    options.activation_bits = result.combination.bits.activations;
    options.settings = result.combination.settings;
    options.threads = input_.threads;
    const Result<Conversion> conversion = convert(input_.network, calibration_, options, progress_);
    log_notes(calibration_.notes(), log_);
    if (!conversion.ok()) return conversion.status();
    const std::vector<std::uint8_t>& file = conversion.value().file;
    const bool keep = !input_.folder.empty();
    if (keep) {
      if (Status status = write_file_atomically(path_of(result, ".bin"), file); !status.ok()) return status;
    }
    const auto opened =
        keep ? Model::open(path_of(result, ".bin")) : Model::from_memory(file, result.combination.name());
    if (!opened.ok()) return opened.status();
    model = opened.value();
    result.effective_bits = conversion.value().effective_bits.activations;
    result.bytes = file.size();
    result.model_checksum = hex64(checksum64(file));
    const Result<Evaluation> evaluation =
        evaluate(model, truth_, input_.evaluation, input_.reading, input_.isa, input_.threads, progress_);
    if (!evaluation.ok()) return evaluation.status();
    result.evaluation = evaluation.value();
    return keep ? save_result(result) : Status();
  }

  Status save_result(const SweepResult& result) const {
    return write_result(path_of(result, ".json"), result, key_of(result.combination, input_.checksums));
  }

  // Models without a latency, all together.
  Status time(std::vector<SweepResult>& results) {
    std::vector<std::shared_ptr<const Model>> models;
    std::vector<SweepResult*> wanted;
    for (std::size_t i = 0; i < results.size(); ++i) {
      SweepResult& result = results[i];
      if (!result.failure.ok() || result.latency) continue;
      if (models_[i] == nullptr) {
        const auto opened = Model::open(path_of(result, ".bin"));
        if (!opened.ok()) return opened.status();
        models_[i] = opened.value();
      }
      models.push_back(models_[i]);
      wanted.push_back(&result);
    }
    if (models.empty()) return {};
    const Result<std::vector<double>> times =
        measure_latency(models, calibration_, input_.isa, input_.latency_runs, progress_);
    if (!times.ok()) return times.status();
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      wanted[i]->latency = Latency{times.value()[i], std::string(isa_name(input_.isa)), cpu_};
      if (input_.folder.empty()) continue;
      if (Status status = save_result(*wanted[i]); !status.ok()) return status;
    }
    return {};
  }

  const SweepInput& input_;
  const Progress& progress_;
  const Log& log_;
  const std::string cpu_;
  PictureFiles calibration_;
  FloatTruth truth_;
  std::vector<std::shared_ptr<const Model>> models_;  // those made in this run, by combination
};

}  // namespace

Result<SweepReport> sweep(const SweepInput& input, const Progress& progress, const Log& log) {
  return Sweep(input, progress, log).run();
}

}  // namespace intvit
