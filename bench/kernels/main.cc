// kernelbench: the kernels of one instruction set beside oneDNN, and what each number format costs per layer.
#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "bench/kernels/benches.h"
#include "bench/kernels/onednn_peer.h"
#include "bench/kernels/table_report.h"
#include "engine/run/select_isa.h"
#include "tools/common/cli/command_line.h"
#include "tools/common/machine/build_info.h"

namespace intvit::bench {
namespace {

constexpr const char* kDescription =
    "Times the kernels of one instruction set on the layers of DeiT-Tiny, DeiT-Small and ViT-Base, one thread, and\n"
    "prints Markdown tables: linears beside oneDNN's matmul limited to the same instruction set, and every number\n"
    "format beside plain codes. Options that begin with --benchmark_ are google-benchmark's; a benchmark's name is\n"
    "table/row/column.";

constexpr const char* kExamples =
    "  kernelbench --isa avx2 --benchmark_repetitions=9 --benchmark_enable_random_interleaving=true\n"
    "  kernelbench --benchmark_filter='gemm/DeiT-Tiny'    one part of one table\n"
    "  kernelbench --raw --benchmark_list_tests           the names\n";

struct Options {
  std::string isa;
  bool raw = false;
  std::vector<std::string> google;  // google-benchmark's own
};

std::optional<int> parse_options(int argc, const char* const* argv, Options& options) {
  CLI::App app(kDescription, "kernelbench");
  set_help(app, kExamples);
  app.add_option("--isa", options.isa,
                 "Instruction set, one of " + built_isa_names() +
                     "; if not given, that of the environment variable INTVIT_ISA, else the best of this CPU")
      ->type_name("NAME");
  app.add_flag("--raw", options.raw, "Print google-benchmark's own list instead of tables");
  app.set_version_flag(
      "--version", [] { return version_text("kernelbench"); }, "Print version, compiler and instruction sets");
  app.allow_extras();
  if (const std::optional<int> code = parse_command_line(app, argc, argv)) return code;
  options.google = app.remaining();
  return std::nullopt;
}

bool initialize_google_benchmark(const std::vector<std::string>& options) {
  std::vector<std::string> words = {"kernelbench"};
  words.insert(words.end(), options.begin(), options.end());
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  int argc = static_cast<int>(words.size());
  benchmark::Initialize(&argc, argv.data());
  return !benchmark::ReportUnrecognizedArguments(argc, argv.data());
}

void add_all(Suite& suite, const kernels::KernelTable& kernels, bool with_onednn) {
  add_gemm(suite, kernels, with_onednn);
  add_few_bits(suite, kernels);
  add_linear_formats(suite, kernels);
  add_encoded_layers(suite, kernels);
  add_encode(suite, kernels);
  add_softmax(suite, kernels);
  add_attention(suite, kernels);
  add_layer_norm(suite, kernels);
}

int run(int argc, const char* const* argv) {
  Options options;
  if (const std::optional<int> code = parse_options(argc, argv, options)) return *code;
  const Result<Isa> isa = select_isa(options.isa);
  if (!isa.ok()) {
    std::cerr << "kernelbench: " << isa.status().message() << '\n';
    return exit_code_for(isa.status());
  }
  if (!initialize_google_benchmark(options.google)) return kExitUsage;
  Suite suite;
  add_all(suite, kernels::kernel_table(isa.value()), limit_onednn(isa.value()));
  add_float_activations(suite, isa.value());
  TableReport tables(suite);
  const std::unique_ptr<benchmark::BenchmarkReporter> raw(benchmark::CreateDefaultDisplayReporter());
  benchmark::BenchmarkReporter* const report = options.raw ? raw.get() : &tables;
  if (benchmark::RunSpecifiedBenchmarks(report) == 0) return kExitUsage;
  return tables.failed() ? kExitCheckFailed : kExitOk;
}

}  // namespace
}  // namespace intvit::bench

int main(int argc, char** argv) { return intvit::bench::run(argc, argv); }
