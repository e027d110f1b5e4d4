#include "tools/vitrun/vitrun_options.h"

#include <limits>

#include "intvit/session.h"
#include "tools/common/cli/command_line.h"
#include "tools/common/machine/build_info.h"
#include "tools/common/machine/physical_cores.h"
#include "tools/common/pictures/picture_options.h"

namespace intvit {
namespace {

constexpr const char* kDescription =
    "Classifies pictures with an intvit model, in integers only. Prints the most probable classes of every picture\n"
    "and what else the model gives or, with --eval, how often it is right on a list of labelled pictures. Results go "
    "to\n"
    "stdout, everything else to stderr. They are the same bits on every CPU and with any number of threads.";

constexpr const char* kExamples =
    "  vitrun model.bin cat.jpg                           the five most probable classes\n"
    "  find . -name '*.png' | vitrun model.bin - --json   names from stdin, results as JSON\n"
    "  vitrun model.bin --eval val.txt --threads 4        top-1 and top-5 of the pictures that val.txt lists\n"
    "  vitrun encoder.bin --query cat.jpg photos/         the five pictures in photos/ that are most like cat.jpg\n";

void add_cache_option(CLI::App& app, CLI::Option* query, VitrunOptions& options) {
  app.add_option("--cache", options.cache,
                 "Keep the embeddings of --query in this file, so that only new and changed pictures are run again")
      ->type_name("FILE")
      ->check(file_name())
      ->needs(query);
}

CLI::Option* add_attention_options(CLI::App& app, VitrunOptions& options) {
  CLI::Option* attention =
      app.add_option("--attention", options.attention,
                     "Instead write a PNG of every picture to DIR, with what the model looks at: the class token's "
                     "attention, or the mean of all tokens'")
          ->type_name("DIR")
          ->check(file_name());
  app.add_option("--layer", options.attention_layer,
                 "Attention layer of --attention, counted from 0 or, if negative, from the end")
      ->type_name("L")
      ->check(whole_number(-100000, 100000))
      ->needs(attention)
      ->capture_default_str();
  app.add_option("--head", options.attention_head,
                 "Head of --attention: a number from 0, mean, or rollout, the product of all layers up to this one")
      ->type_name("H")
      ->needs(attention)
      ->capture_default_str();
  return attention;
}

}  // namespace

std::optional<int> parse_vitrun_options(int argc, const char* const* argv, VitrunOptions& options) {
  CLI::App app(kDescription, "vitrun");
  set_help(app, kExamples);

  app.add_option("MODEL", options.model, "The model file, made by vitconvert")->required();
  CLI::Option* inputs =
      app.add_option("INPUT", options.inputs,
                     "JPEG, PNG, WebP, BMP or PNM files; folders, for all pictures in them and below; - reads "
                     "names from stdin, one per line");
  CLI::Option* eval = app.add_option("--eval", options.eval_list,
                                     "Measure top-1 and top-5 on the pictures of this list: one 'path label' per "
                                     "line, paths relative to the list, labels are class indices")
                          ->type_name("LIST")
                          ->check(file_name());
  CLI::Option* top_k = app.add_option("--topk", options.top_k,
                                      "How many classes, or pictures of --query, to print; all if there are fewer")
                           ->type_name("K")
                           ->check(whole_number(1, std::numeric_limits<int>::max()))
                           ->capture_default_str();
  CLI::Option* threads =
      app.add_option("--threads", options.threads, "Threads; if not given, the physical cores that may be used")
          ->type_name("N")
          ->check(whole_number(1, kMaxThreads));
  app.add_option("--isa", options.isa,
                 "Instruction set, one of " + built_isa_names() +
                     "; if not given, that of the environment variable INTVIT_ISA, else the best of this CPU")
      ->type_name("NAME");
  CLI::Option* json = app.add_flag(
      "--json", options.json,
      "Print an array of {name, predictions, outputs, isa, threads} or {name, error}; with --eval one object");
  CLI::Option* digest = app.add_flag("--digest", options.digest,
                                     "Print only a hash of the integer results and the name, to compare machines");
  CLI::Option* logits = app.add_option("--logits", options.logits, "Also write the logits, float32 [pictures, classes]")
                            ->type_name("OUT.npy")
                            ->check(file_name());
  CLI::Option* outputs =
      app.add_option("--outputs", options.outputs,
                     "Also write every output of the model, float32, to DIR/NAME.npy; the first axis is the pictures")
          ->type_name("DIR")
          ->check(file_name());
  CLI::Option* labels =
      app.add_option("--labels", options.labels, "Class names, one per line, instead of those in the model")
          ->type_name("FILE")
          ->check(file_name());
  CLI::Option* embedding =
      app.add_option("--embedding", options.embedding, "Also write the embeddings, float32 [pictures, D]")
          ->type_name("OUT.npy")
          ->check(file_name());
  CLI::Option* similarity = app.add_flag("--similarity", options.similarity,
                                         "Print the cosines of all pairs of pictures' embeddings instead");
  CLI::Option* query =
      app.add_option(
             "--query", options.query,
             "Print the --topk pictures of INPUT that are nearest to this one, by the cosine of their embeddings; "
             "an INPUT may also be a LIST file")
          ->type_name("PICTURE");
  add_cache_option(app, query, options);
  CLI::Option* attention = add_attention_options(app, options);
  add_picture_options(app, options.pictures);
  app.set_version_flag(
      "--version", [] { return version_text("vitrun"); }, "Print version, compiler and instruction sets");
  digest->excludes(json)->excludes(top_k)->excludes(labels);
  for (CLI::Option* mode : {similarity, query}) {
    mode->excludes(eval)->excludes(digest)->excludes(labels)->excludes(logits)->excludes(outputs)->excludes(embedding);
  }
  similarity->excludes(query)->excludes(top_k);
  for (CLI::Option* other : {eval, top_k, json, digest, logits, outputs, labels, embedding, similarity, query})
    attention->excludes(other);
  eval->excludes(inputs)->excludes(digest)->excludes(top_k)->excludes(labels);

  if (const std::optional<int> code = parse_command_line(app, argc, argv)) return code;
  options.top_k_given = top_k->count() > 0;
  if (threads->count() == 0) options.threads = physical_cores();  // which reads a file of the system for every CPU
  if (options.inputs.empty() && options.eval_list.empty()) {
    std::cerr << "vitrun: nothing to do: give pictures, folders or -, or --eval LIST; try 'vitrun --help'\n";
    return kExitUsage;
  }
  return std::nullopt;
}

}  // namespace intvit
