#include "tools/vitrun/vitrun_options.h"

#include <algorithm>
#include <limits>
#include <string_view>

#include "intvit/session.h"
#include "tools/common/cli/command_line.h"
#include "tools/common/cli/format_options.h"
#include "tools/common/cli/shown_text.h"
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
    "  ls *.png | vitrun model.bin - --format jsonl       names from stdin, a JSON object for each as it is done\n"
    "  vitrun model.bin --eval val.txt --threads 4        top-1 and top-5 of the pictures that val.txt lists\n"
    "  vitrun encoder.bin --query cat.jpg photos/         the five pictures in photos/ that are most like cat.jpg\n";

// Options that exclude each other, or that the reader asks for.
struct Declared {
  CLI::Option *model, *bundle, *inputs, *null, *eval, *top_k, *threads, *digest, *logits, *outputs, *labels, *embedding,
      *similarity, *query, *selftest, *stats, *frames, *shard, *summarise, *size, *dump_input, *attention, *dump;
  FormatOptions format;
};

CLI::Option* add_output(CLI::App& app, const std::string& name, std::string& file, const std::string& type,
                        const std::string& description) {
  return app.add_option(name, file, description)->type_name(type)->check(file_name());
}

void add_inputs(CLI::App& app, VitrunOptions& options, Declared& declared) {
  if (!options.has_model) {
    declared.model = app.add_option("MODEL", options.model, "The model file, made by vitconvert");
    declared.bundle = add_output(app, "--bundle", options.bundle, "OUT",
                                 "Write a program that is this one and the model, and takes no MODEL");
  }
  declared.inputs =
      app.add_option("INPUT", options.inputs,
                     "JPEG, PNG, WebP, BMP or PNM files; folders, for all pictures in them and below; - reads "
                     "names from stdin, one per line, and answers each as it comes");
  declared.null = app.add_flag_callback(
      "-0,--null", [&options] { options.name_end = NameEnd::null; },
      "Names on stdin end with a NUL byte, as those of find -print0");
  declared.frames = app.add_option("--input-format",
                                   "Of inputs that are frames, one after the other, in files or, as -, on stdin: "
                                   "rgb24, bgr24, rgba, bgra or gray of --size; or npy, uint8 arrays as "
                                   "--dump-input writes them or float32 ones that a float network is fed")
                        ->type_name("NAME");
  declared.size = app.add_option("--size", "Of the frames, in pixels")->type_name("WxH")->needs(declared.frames);
  declared.shard =
      app.add_option("--shard", "Only the K-th of N shares of the pictures, for N machines")->type_name("K/N");
  declared.summarise = app.add_option("--summarise", options.summaries,
                                      "Add up what --eval printed with --format json, jsonl or csv; needs no model")
                           ->type_name("FILE")
                           ->check(file_name());
  declared.eval = app.add_option("--eval", options.eval_list,
                                 "Measure top-1 and top-5 on the pictures of this list: one 'path label' per "
                                 "line, paths relative to the list, labels are class indices; or of a folder that "
                                 "has a folder for each class")
                      ->type_name("LIST")
                      ->check(file_name());
}

void add_how(CLI::App& app, VitrunOptions& options, Declared& declared) {
  declared.top_k = app.add_option("--topk", options.top_k,
                                  "How many classes, or pictures of --query, to print; all if there are fewer")
                       ->type_name("K")
                       ->check(whole_number(1, std::numeric_limits<int>::max()))
                       ->capture_default_str();
  declared.threads =
      app.add_option("--threads", options.threads, "Threads; if not given, the physical cores that may be used")
          ->type_name("N")
          ->check(whole_number(1, kMaxThreads));
  app.add_option("--isa", options.isa,
                 "Instruction set, one of " + built_isa_names() +
                     "; if not given, that of the environment variable INTVIT_ISA, else the best of this CPU")
      ->type_name("NAME");
}

void add_results(CLI::App& app, VitrunOptions& options, Declared& declared) {
  declared.format = add_format_options(app, options.format,
                                       {OutputFormat::text, OutputFormat::csv, OutputFormat::json, OutputFormat::jsonl},
                                       {OutputFormat::json});
  declared.digest = app.add_flag("--digest", options.digest,
                                 "Print only a hash of the integer results and the name, to compare machines");
  declared.logits =
      add_output(app, "--logits", options.logits, "OUT.npy", "Also write the logits, float32 [pictures, classes]");
  declared.outputs =
      add_output(app, "--outputs", options.outputs, "DIR",
                 "Also write every output of the model, float32, to DIR/NAME.npy; the first axis is the pictures");
  declared.dump_input = add_output(app, "--dump-input", options.dump_input, "OUT.npy",
                                   "Also write what the network sees of each picture, uint8 [pictures, H, W, 3]");
  declared.labels =
      add_output(app, "--labels", options.labels, "FILE", "Class names, one per line, instead of those in the model");
  add_output(app, "--confusion", options.confusion, "OUT.csv",
             "With --eval, also write how many pictures of each class were taken for which")
      ->needs(declared.eval);
  app.add_flag("-q,--quiet", options.quiet, "Neither progress nor notes on stderr, only errors");
  declared.embedding =
      add_output(app, "--embedding", options.embedding, "OUT.npy", "Also write the embeddings, float32 [pictures, D]");
}

void add_comparisons(CLI::App& app, VitrunOptions& options, Declared& declared) {
  declared.similarity = app.add_flag("--similarity", options.similarity,
                                     "Print the cosines of all pairs of pictures' embeddings instead");
  declared.selftest = app.add_flag("--selftest", options.selftest,
                                   "Run pictures that every machine can compute, with every instruction set and some "
                                   "numbers of threads, and compare with what the model was converted to give");
  declared.stats = app.add_flag("--stats", options.stats,
                                "Print how often codes are the lowest or highest there is, of every place in the "
                                "network, the worst first");
  declared.query =
      app.add_option(
             "--query", options.query,
             "Print the --topk pictures of INPUT that are nearest to this one, by the cosine of their embeddings; "
             "an INPUT may also be a LIST file")
          ->type_name("PICTURE");
  add_output(app, "--cache", options.cache, "FILE",
             "Keep the embeddings of --query in this file, so that only new and changed pictures are run again")
      ->needs(declared.query);
  declared.attention =
      add_output(app, "--attention", options.attention, "DIR",
                 "Instead write a PNG of every picture to DIR, with what the model looks at: the class "
                 "token's attention, or the mean of all tokens'");
  app.add_option("--layer", options.attention_layer,
                 "Attention layer of --attention, counted from 0 or, if negative, from the end")
      ->type_name("L")
      ->check(whole_number(-100000, 100000))
      ->needs(declared.attention)
      ->capture_default_str();
  app.add_option("--head", options.attention_head,
                 "Head of --attention: a number from 0, mean, or rollout, the product of all layers up to this one")
      ->type_name("H")
      ->needs(declared.attention)
      ->capture_default_str();
}

void add_dump(CLI::App& app, VitrunOptions& options, Declared& declared) {
  declared.dump = app.add_option("--dump", options.dump,
                                 "Instead write the integers at this site of the network, or at all that a pattern "
                                 "with * and ? has; may be repeated. list prints which sites there are")
                      ->type_name("SITE")
                      ->allow_extra_args(false);
  add_output(app, "--dump-to", options.dump_to, "DIR",
             "The folder of --dump, which gets DIR/SITE.npy, uint8, int16 or int32 [pictures, rows, columns]")
      ->needs(declared.dump);
}

void exclude(const Declared& d) {
  d.digest->excludes(d.top_k)->excludes(d.labels);
  d.format.exclude(d.digest);
  d.format.exclude(d.attention);
  for (CLI::Option* other : {d.inputs, d.eval, d.digest, d.top_k, d.labels, d.logits, d.outputs, d.embedding,
                             d.similarity, d.query, d.frames, d.dump_input, d.shard}) {
    d.selftest->excludes(other);
    d.summarise->excludes(other);
  }
  for (CLI::Option* mode : {d.similarity, d.query}) {
    for (CLI::Option* other :
         {d.eval, d.digest, d.labels, d.logits, d.outputs, d.embedding, d.frames, d.dump_input, d.shard})
      mode->excludes(other);
  }
  d.summarise->excludes(d.selftest);
  if (d.model != nullptr) {
    d.summarise->excludes(d.model);
    for (CLI::Option* other : {d.inputs, d.eval, d.selftest, d.similarity, d.query, d.stats, d.summarise}) {
      d.bundle->excludes(other);
    }
  }
  for (CLI::Option* other : {d.eval, d.digest, d.top_k, d.labels, d.logits, d.outputs, d.embedding, d.similarity,
                             d.query, d.frames, d.dump_input, d.shard, d.selftest, d.summarise}) {
    d.stats->excludes(other);
  }
  for (CLI::Option* other : {d.eval, d.digest, d.top_k, d.labels, d.logits, d.outputs, d.embedding, d.similarity,
                             d.query, d.frames, d.dump_input, d.shard, d.selftest, d.summarise, d.stats}) {
    d.attention->excludes(other);
  }
  for (CLI::Option* other : {d.eval, d.digest, d.top_k, d.labels, d.logits, d.outputs, d.embedding, d.similarity,
                             d.query, d.dump_input, d.shard, d.selftest, d.summarise, d.stats, d.attention}) {
    d.dump->excludes(other);
  }
  d.format.exclude(d.dump);
  if (d.bundle != nullptr) d.bundle->excludes(d.dump);
  d.frames->excludes(d.null);
  d.similarity->excludes(d.query)->excludes(d.top_k);
  for (CLI::Option* other : {d.inputs, d.null, d.digest, d.top_k, d.labels, d.frames}) d.eval->excludes(other);
}

// These come from files, of whatever model.
bool asks_for_sums(int argc, const char* const* argv) {
  return std::any_of(argv + 1, argv + argc, [](std::string_view word) { return word.starts_with("--summarise"); });
}

Status read_frames(const Declared& declared, VitrunOptions& options) {
  if (declared.frames->count() == 0) return {};
  const auto name = declared.frames->as<std::string>();
  options.frames = frame_format(name);
  if (!options.frames) {
    return {Code::invalid_argument, "--input-format '" + name + "' must be rgb24, bgr24, rgba, bgra, gray or npy"};
  }
  const bool has_size = declared.size->count() > 0;
  if (has_size != options.frames->pixels.has_value()) {
    return {Code::invalid_argument, has_size ? "--input-format npy has its size in the file; leave out --size"
                                             : "--input-format " + name + " needs --size WxH"};
  }
  return has_size ? parse_frame_size(declared.size->as<std::string>(), *options.frames) : Status();
}

}  // namespace

std::optional<int> parse_vitrun_options(int argc, const char* const* argv, VitrunOptions& options) {
  CLI::App app(kDescription, "vitrun");
  set_help(app, kExamples);
  Declared declared{};
  add_inputs(app, options, declared);
  add_how(app, options, declared);
  add_results(app, options, declared);
  add_comparisons(app, options, declared);
  add_dump(app, options, declared);
  add_picture_options(app, options.pictures);
  app.set_version_flag(
      "--version", [] { return version_text("vitrun"); }, "Print version, compiler and instruction sets");
  exclude(declared);
  if (declared.model != nullptr) declared.model->required(!asks_for_sums(argc, argv));

  if (const std::optional<int> code = parse_command_line(app, argc, argv)) return code;
  if (!options.summaries.empty() || !options.bundle.empty()) return std::nullopt;
  options.top_k_given = declared.top_k->count() > 0;
  Status status = read_frames(declared, options);
  if (status.ok() && !options.dump.empty() && !options.lists_sites() && options.dump_to.empty()) {
    status = {Code::invalid_argument, "--dump needs the folder for its arrays, --dump-to DIR; --dump list needs none"};
  }
  if (status.ok() && declared.shard->count() > 0) {
    const Result<Shard> shard = parse_shard(declared.shard->as<std::string>());
    if (shard.ok()) options.shard = shard.value();
    status = shard.status();
  }
  if (!status.ok()) {
    print_message("vitrun", status.message());
    return kExitUsage;
  }
  if (declared.threads->count() == 0) options.threads = physical_cores();  // which reads a file of the system per CPU
  if (options.inputs.empty() && options.eval_list.empty() && !options.selftest && !options.lists_sites()) {
    std::cerr << "vitrun: nothing to do: give pictures, folders or -, --eval LIST or --selftest; try 'vitrun --help'\n";
    return kExitUsage;
  }
  return std::nullopt;
}

}  // namespace intvit
