#include <algorithm>
#include <chrono>
#include <filesystem>
#include <memory>

#include "converter/read/npy_file.h"
#include "converter/report/models_report.h"
#include "engine/format/writer.h"
#include "engine/run/select_isa.h"
#include "intvit/session.h"
#include "tools/common/cli/command_line.h"
#include "tools/common/machine/physical_cores.h"
#include "tools/common/pictures/classify_in_order.h"
#include "tools/common/pictures/picture_options.h"
#include "tools/common/pictures/png_writer.h"
#include "tools/common/pictures/prepared_picture.h"
#include "tools/common/results/output_file.h"
#include "tools/vitconvert/commands.h"

namespace intvit {
namespace {

constexpr std::size_t kMostAnswers = 24;
constexpr std::size_t kMostModels = 100;
constexpr int kThumbnailEdge = 56;

struct ReportCommand {
  std::vector<std::string> models;
  std::string output, evaluation, float_logits, isa;
  int threads = 1, runs = 20;
  PictureOptions pictures;
};

// The median of some runs on one thread, on a picture of grey.
Result<double> median_milliseconds(const std::shared_ptr<const Model>& model, Isa isa, int runs) {
  SessionOptions options;
  options.isa = isa;
  const Result<std::unique_ptr<Session>> session = Session::create(model, options);
  if (!session.ok()) return session.status();
  Session& own = *session.value();
  const auto pixels = static_cast<std::size_t>(model->input_height()) * static_cast<std::size_t>(model->input_width());
  std::fill_n(own.picture(0), pixels * 3, std::uint8_t{128});
  own.run();
  std::vector<double> times;
  for (int i = 0; i < runs; ++i) {
    const auto start = std::chrono::steady_clock::now();
    own.run();
    times.push_back(std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count());
  }
  std::nth_element(times.begin(), times.begin() + runs / 2, times.end());
  return times[static_cast<std::size_t>(runs / 2)];
}

// The network's input, averaged over squares.
std::string thumbnail(const std::string& path, const Model& model, const PictureOptions& options, Isa isa) {
  const PreparedPicture picture = prepare_picture(path, options, model.input(), isa);
  if (!picture.status.ok()) return {};
  const int height = model.input_height(), width = model.input_width();
  const int factor = std::max(1, (std::max(height, width) + kThumbnailEdge - 1) / kThumbnailEdge);
  const int rows = height / factor, columns = width / factor;
  if (rows == 0 || columns == 0) return {};
  std::vector<std::uint8_t> rgb;
  for (int y = 0; y < rows; ++y) {
    for (int i = 0; i < columns * 3; ++i) {
      int sum = 0;
      for (int square = 0; square < factor * factor; ++square) {
        const int row = y * factor + square / factor, column = i / 3 * factor + square % factor;
        sum += picture.pixels[(static_cast<std::size_t>(row) * static_cast<std::size_t>(width) +
                               static_cast<std::size_t>(column)) *
                                  3 +
                              static_cast<std::size_t>(i % 3)];
      }
      rgb.push_back(static_cast<std::uint8_t>(sum / (factor * factor)));
    }
  }
  return png_data_uri(columns, rows, rgb);
}

// The most likely class of every picture; -1 where there is none, which stderr says of the first model. A later one
// cannot read the same picture for lack of memory alone.
Result<std::vector<int>> answers_of(const ReportedModel& one, const std::vector<InputPicture>& pictures,
                                    const ReportCommand& options, Isa isa, bool first) {
  std::vector<int> answers(pictures.size(), -1);
  const Progress progress = terminal_progress();
  const auto consume = [&](std::size_t i, const ClassifiedPicture& picture) {
    if (picture.status.ok()) {
      answers[i] =
          static_cast<int>(std::max_element(picture.logits.begin(), picture.logits.end()) - picture.logits.begin());
    } else if (first || picture.status.code() == Code::out_of_memory) {
      report_error(picture.status);
    }
    progress("evaluating " + one.name, static_cast<int>(i + 1), static_cast<int>(pictures.size()));
  };
  const auto workers = classify_in_order(one.model, isa, options.threads, pictures, consume, false, options.pictures);
  if (!workers.ok()) return workers.status();
  return answers;
}

Status check_classes(const std::vector<ReportedModel>& models) {
  for (const ReportedModel& one : models) {
    if (one.model->classes() == 0) {
      return {Code::invalid_argument, "--eval needs logits, which '" + one.name + "' does not have"};
    }
    if (one.model->classes() != models[0].model->classes()) {
      return {Code::invalid_argument,
              "'" + one.name + "' has " + std::to_string(one.model->classes()) + " classes and '" + models[0].name +
                  "' " + std::to_string(models[0].model->classes()) + "; --eval needs models of the same classes"};
    }
  }
  return {};
}

// Of the float network, by its logits as `vitconvert reference --eval LIST --logits` writes them.
Result<std::vector<int>> float_answers(const std::string& path, std::size_t pictures, int classes) {
  const Result<NpyArray> logits = read_npy(path);
  if (!logits.ok()) return logits.status();
  const NpyArray& array = logits.value();
  if (static_cast<std::size_t>(array.rows) != pictures || array.cols != classes) {
    return {Code::invalid_argument,
            "'" + path + "' has " + std::to_string(array.rows) + " x " + std::to_string(array.cols) +
                " logits, but the list names " + std::to_string(pictures) + " pictures and the model has " +
                std::to_string(classes) +
                " classes; write them with 'vitconvert reference SRC --eval LIST --logits FILE'"};
  }
  std::vector<int> answers;
  for (auto row = array.data.begin(); row != array.data.end(); row += classes) {
    answers.push_back(static_cast<int>(std::max_element(row, row + classes) - row));
  }
  return answers;
}

// What the answers come to: [float if there is one, then the models][pictures].
void count_answers(const ReportCommand& options, Isa isa, const std::vector<InputPicture>& pictures,
                   const std::vector<LabelledPicture>& listed, const std::vector<std::vector<int>>& answers,
                   ModelsReport& report) {
  report.list = std::filesystem::path(options.evaluation).filename().string();
  std::vector<std::int64_t> right(answers.size(), 0);
  for (std::size_t i = 0; i < pictures.size(); ++i) {
    if (std::ranges::any_of(answers, [i](const std::vector<int>& own) { return own[i] < 0; })) {
      ++report.failed;
      continue;
    }
    ++report.pictures;
    ChangedAnswer changed{std::filesystem::path(pictures[i].path).filename().string(), listed[i].label, {}, {}};
    bool differs = false;
    for (std::size_t m = 0; m < answers.size(); ++m) {
      changed.answers.push_back(answers[m][i]);
      right[m] += answers[m][i] == changed.label;
      differs = differs || answers[m][i] != answers[0][i];
    }
    if (!differs) continue;
    ++report.changed;
    if (report.answers.size() >= kMostAnswers) continue;
    changed.thumbnail = thumbnail(pictures[i].path, *report.models[0].model, options.pictures, isa);
    report.answers.push_back(std::move(changed));
  }
  const auto percent = [&](std::int64_t hits) {
    return 100.0 * static_cast<double>(hits) / static_cast<double>(std::max<std::int64_t>(report.pictures, 1));
  };
  const std::size_t first = report.has_float ? 1 : 0;
  if (report.has_float) report.float_top1 = percent(right[0]);
  for (std::size_t m = 0; m < report.models.size(); ++m) report.models[m].top1 = percent(right[first + m]);
}

Status evaluate_models(const ReportCommand& options, Isa isa, ModelsReport& report) {
  if (Status status = check_classes(report.models); !status.ok()) return status;
  const Model& reference = *report.models[0].model;
  const Result<std::vector<LabelledPicture>> listed = evaluation_pictures(options.evaluation, reference.classes());
  if (!listed.ok()) return listed.status();
  std::vector<InputPicture> pictures;
  for (const LabelledPicture& picture : listed.value()) pictures.push_back({picture.path, {}});
  std::vector<std::vector<int>> answers;
  if (!options.float_logits.empty()) {
    Result<std::vector<int>> own = float_answers(options.float_logits, pictures.size(), reference.classes());
    if (!own.ok()) return own.status();
    answers.push_back(own.take());
    report.has_float = true;
  }
  for (const ReportedModel& one : report.models) {
    Result<std::vector<int>> own = answers_of(one, pictures, options, isa, &one == &report.models[0]);
    if (!own.ok()) return own.status();
    answers.push_back(own.take());
  }
  count_answers(options, isa, pictures, listed.value(), answers, report);
  if (report.pictures > 0) return {};
  return {Code::invalid_argument, "no picture of '" + options.evaluation + "' can be read"};
}

int run_report(const ReportCommand& options) {
  if (Status status = check_output_file("the report", options.output); !status.ok()) return report_error(status);
  if (options.models.size() > kMostModels) {
    return report_error({Code::invalid_argument, std::to_string(options.models.size()) + " models, at most " +
                                                     std::to_string(kMostModels) + " on a page"});
  }
  const Result<Isa> isa = select_isa(options.isa);
  if (!isa.ok()) return report_error(isa.status());
  ModelsReport report;
  report.isa = isa_name(isa.value());
  for (const std::string& path : options.models) {
    const auto model = Model::open(path);
    if (!model.ok()) return report_error(model.status());
    report.models.push_back({std::filesystem::path(path).filename().string(), model.value(), {}, {}});
  }
  if (!options.evaluation.empty()) {
    if (Status status = evaluate_models(options, isa.value(), report); !status.ok()) return report_error(status);
  }
  for (ReportedModel& one : report.models) {
    if (options.runs == 0) continue;
    const Result<double> time = median_milliseconds(one.model, isa.value(), options.runs);
    if (!time.ok()) return report_error(time.status());
    one.milliseconds = time.value();
  }
  const std::string page = models_report(report);
  const Status status =
      write_file_atomically(options.output, {reinterpret_cast<const std::uint8_t*>(page.data()), page.size()});
  if (!status.ok()) return report_error(status);
  return report.failed > 0 ? kExitSomeInputsFailed : kExitOk;
}

}  // namespace

Command add_report(CLI::App& app) {
  auto options = std::make_shared<ReportCommand>();
  options->threads = physical_cores();
  CLI::App* command = app.add_subcommand("report", "Model files -> one page (HTML): accuracy, size, time, formats");
  command->add_option("MODEL", options->models, "Model files; the first is what the others are compared with")
      ->required();
  command->add_option("-o,--output", options->output, "The page to write")->required()->check(file_name());
  CLI::Option* eval =
      command
          ->add_option("--eval", options->evaluation,
                       "LIST of pictures with labels: measures top-1 and shows pictures whose answer changed")
          ->check(file_name());
  command
      ->add_option("--float", options->float_logits,
                   "The float network's logits of these pictures (.npy, from 'vitconvert reference --logits'): answers "
                   "are compared with these instead of the first model's")
      ->check(file_name())
      ->needs(eval);
  command->add_option("--runs", options->runs, "Timed runs of each model; 0: no times")
      ->check(whole_number(0, 100000))
      ->capture_default_str();
  command->add_option("--threads", options->threads, "Of --eval; default: the physical cores")
      ->check(whole_number(1, kMaxThreads));
  command->add_option("--isa", options->isa, "The instruction set; default: the best one here");
  add_picture_options(*command, options->pictures);
  return [options] { return run_report(*options); };
}

}  // namespace intvit
