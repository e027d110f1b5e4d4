// vitconvert: a float checkpoint and a few pictures -> one integer model file.
#include <algorithm>
#include <iostream>
#include <memory>

#include "tools/common/cli/command_line.h"
#include "tools/common/cli/progress_line.h"
#include "tools/common/cli/run_tool.h"
#include "tools/common/cli/shown_text.h"
#include "tools/common/cli/stage_clock.h"
#include "tools/common/machine/build_info.h"
#include "tools/vitconvert/commands.h"

namespace intvit {

int report_error(const Status& status) {
  print_message("vitconvert", status.message());
  return exit_code_for(status);
}

void print_notes(PictureNotes& notes) {
  for (const std::string& note : notes.take()) print_message("vitconvert", note);
}

Progress terminal_progress() {
  const auto line = std::make_shared<ProgressLine>();
  const auto start = std::make_shared<std::pair<std::string, std::chrono::steady_clock::time_point>>();
  return [line, start](const std::string& stage, int done, int total) {
    const auto now = std::chrono::steady_clock::now();
    if (start->first != stage) *start = {stage, now};
    if (done >= total) return line->clear();
    if (!line->due()) return;
    constexpr int kWidth = 24;
    const int filled = total > 0 ? done * kWidth / total : 0;
    std::string text = stage + " [" + std::string(static_cast<std::size_t>(filled), '#') +
                       std::string(static_cast<std::size_t>(kWidth - filled), '.') + "] " + std::to_string(done) + "/" +
                       std::to_string(total);
    if (done > 0) {
      const double elapsed = std::chrono::duration<double>(now - start->second).count();
      text += ", " + std::to_string(static_cast<int>(elapsed / done * (total - done) + 0.5)) + " s left";
    }
    line->show(text);
  };
}

// Measured with DeiT-Tiny, in units of what calibration takes; what few bits cost more is in the stages that they add.
Progress conversion_progress(const ConvertOptions& options, int pictures, bool plan_only) {
  std::vector<NumberedStage> stages;
  if (options.equalise_heads && options.activation_bits < 8 && !options.plan)
    stages.push_back({"choosing quantizers", 7});
  stages.push_back({"calibrating", 1});
  if (!options.plan && options.method != "minmax" && options.method != "percentile") {
    stages.push_back({"choosing quantizers", options.method == "auto" ? 80.0 : options.method == "repq" ? 1.0 : 12.0});
  }
  if (!plan_only && options.feedback) {
    const double weights = options.activation_bits < 8 ? 12.0 : 5.0;
    stages.push_back(options.optimise_modules ? NumberedStage{"optimising modules", weights + 60}
                                              : NumberedStage{"optimising weights", weights});
    if (options.optimise_network) stages.push_back({"optimising the network", 280});
  }
  if (!plan_only && options.sensitivity_pictures > 0) {
    const int measured = std::min(options.sensitivity_pictures, pictures);
    stages.push_back({"measuring sensitivity", 60.0 * measured / std::max(1, pictures)});
  }
  if (!plan_only) stages.insert(stages.end(), {{"lowering", 1.5}, {"verifying", 1}});
  const auto clock = std::make_shared<StageClock>(std::move(stages));
  const auto line = std::make_shared<ProgressLine>();
  const auto start = std::chrono::steady_clock::now();
  return [clock, line, start](const std::string& stage, int done, int total) {
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    const std::string text = clock->line(stage, done, total, seconds);
    if (stage == "verifying" && done >= total) return line->clear();
    if (line->due()) line->show(text);
  };
}

namespace {

struct Example {
  const char* command;
  const char* lines;
};

constexpr Example kExamples[] = {
    {"convert",
     "  vitconvert convert models/demo -o demo.bin --calib models/demo/calib.txt\n"
     "  vitconvert convert deit_tiny/ -o t4.bin --calib pictures/ --calib-count 32 --wbits 4\n"
     "  vitconvert convert clip/ -o zero.bin --calib pictures/ --classes texts.npy --labels names.txt\n"},
    {"plan", "  vitconvert plan deit_tiny/ --calib pictures/ --calib-count 32 --wbits 4 --abits 4 -o plan.json\n"},
    {"reference", "  vitconvert reference deit_tiny/ --eval eval.txt --json\n"},
    {"synth", "  vitconvert synth deit_small_patch16_224 -o random.bin --wbits 4\n"},
    {"sweep",
     "  vitconvert sweep models/demo --methods percentile,repq --bits w8a8,w4a8 --calib models/demo/calib.txt\n"
     "                   --eval models/demo/test.txt -o results/\n"},
    {"inspect", "  vitconvert inspect demo.bin\n"},
    {"compare", "  vitconvert compare demo.bin t4.bin models/demo/examples\n"},
    {"verify", "  vitconvert verify demo.bin --write demo.txt\n"},
    {"list", "  vitconvert list methods\n"},
    {"report", "  vitconvert report demo.bin t4.bin -o report.html --eval val.txt\n"},
};

int vitconvert(int argc, char** argv) {
  CLI::App app{"Turns a Vision Transformer checkpoint into an integer-only model file.", "vitconvert"};
  app.set_version_flag("--version", version_text("vitconvert"));
  app.require_subcommand(1);
  std::string examples;
  for (const Example& example : kExamples) examples += example.lines;
  set_help(app, examples);
  const std::pair<const char*, Command> commands[] = {{"convert", add_convert(app)},     {"plan", add_plan(app)},
                                                      {"reference", add_reference(app)}, {"synth", add_synth(app)},
                                                      {"sweep", add_sweep(app)},         {"inspect", add_inspect(app)},
                                                      {"compare", add_compare(app)},     {"verify", add_verify(app)},
                                                      {"list", add_list(app)},           {"report", add_report(app)}};
  for (const Example& example : kExamples) {
    set_examples(*app.get_subcommand(example.command), "vitconvert", example.lines);
  }
  if (const auto stop = parse_command_line(app, argc, argv)) return *stop;
  for (const auto& [name, run] : commands) {
    if (app.got_subcommand(name)) return run();
  }
  return kExitUsage;
}

}  // namespace
}  // namespace intvit

int main(int argc, char** argv) { return intvit::run_tool("vitconvert", intvit::vitconvert, argc, argv); }
