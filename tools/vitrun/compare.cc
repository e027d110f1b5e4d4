#include "tools/vitrun/compare.h"

#include <unistd.h>

#include <filesystem>
#include <iomanip>
#include <iostream>
#include <nlohmann/json.hpp>
#include <utility>

#include "tools/common/cli/exit_code.h"
#include "tools/common/cli/shown_text.h"
#include "tools/common/pictures/picture_list.h"
#include "tools/common/results/csv_text.h"
#include "tools/common/results/json_text.h"
#include "tools/common/results/text_table.h"
#include "tools/vitrun/embed.h"

namespace intvit {
namespace {

using Json = nlohmann::ordered_json;

// More pictures than this have a table that nobody reads, and --query is for them.
constexpr std::size_t kMostCompared = 4096;

Json failures(const Embedded& embedded) {
  Json list = Json::array();
  for (const auto& [name, reason] : embedded.failed) list.push_back({{"name", name}, {"error", reason}});
  return list;
}

Result<int> finish(const Embedded& embedded) {
  if (!std::cout.flush()) return Status(Code::io, "cannot write the results to stdout");
  return embedded.failed.empty() ? kExitOk : kExitSomeInputsFailed;
}

bool is_picture_name(const std::string& name) {
  std::string ending = std::filesystem::path(name).extension().string();
  for (char& c : ending) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return ending == ".jpg" || ending == ".jpeg" || ending == ".png" || ending == ".bmp";
}

// As elsewhere, but a file that is no picture by its name is a LIST.
Result<std::vector<InputPicture>> searched_pictures(const VitrunOptions& options) {
  std::vector<InputPicture> pictures;
  for (const std::string& input : options.inputs) {
    std::error_code ignored;
    if (input == "-" || is_picture_name(input) || std::filesystem::is_directory(input, ignored)) {
      Result<std::vector<InputPicture>> expanded = expand_inputs({input}, std::cin, options.name_end);
      if (!expanded.ok()) return expanded.status();
      for (InputPicture& picture : expanded.take()) pictures.push_back(std::move(picture));
      continue;
    }
    const auto listed = read_picture_list(input);
    if (!listed.ok()) return listed.status();
    for (const LabelledPicture& picture : listed.value()) pictures.push_back({picture.path, {}});
  }
  return pictures;
}

void print_csv(const Embedded& embedded) {
  TextTable::Cells header = {"name"};
  header.insert(header.end(), embedded.names.begin(), embedded.names.end());
  std::cout << csv_row(header);
  for (std::size_t i = 0; i < embedded.names.size(); ++i) {
    TextTable::Cells cells = {embedded.names[i]};
    for (const RealValues& other : embedded.values) cells.push_back(exact_text(cosine(embedded.values[i], other)));
    std::cout << csv_row(cells);
  }
}

void print_table(const Embedded& embedded) {
  TextTable::Cells header = {"picture"};
  for (std::size_t i = 0; i < embedded.names.size(); ++i) header.push_back(std::to_string(i + 1));
  TextTable table(header, 1);
  for (std::size_t i = 0; i < embedded.names.size(); ++i) {
    TextTable::Cells cells = {std::to_string(i + 1) + " " + shown_on(STDOUT_FILENO, embedded.names[i])};
    for (const RealValues& other : embedded.values) cells.push_back(fixed(cosine(embedded.values[i], other), 4));
    table.add(std::move(cells));
  }
  table.print(std::cout);
}

void print_found(const VitrunOptions& options, const Embedded& embedded, const std::vector<Neighbour>& found) {
  int rank = 0;
  if (options.format == OutputFormat::text) {
    std::cout << shown_on(STDOUT_FILENO, options.query) << '\n' << std::fixed << std::setprecision(4);
    for (const Neighbour& n : found) {
      std::cout << std::setw(4) << ++rank << std::setw(9) << n.cosine << "  "
                << shown_on(STDOUT_FILENO, embedded.names[n.index]) << '\n';
    }
    return;
  }
  if (options.format == OutputFormat::csv) {
    std::cout << csv_row({"rank", "cosine", "name"});
    for (const Neighbour& n : found) {
      std::cout << csv_row({std::to_string(++rank), exact_text(n.cosine), embedded.names[n.index]});
    }
    return;
  }
  Json neighbours = Json::array();
  for (const Neighbour& n : found) neighbours.push_back({{"name", embedded.names[n.index]}, {"cosine", n.cosine}});
  const Json object = {{"query", options.query},
                       {"nearest", neighbours},
                       {"pictures", embedded.names.size()},
                       {"from_cache", embedded.from_cache},
                       {"failed", failures(embedded)}};
  std::cout << json_text(object, options.format == OutputFormat::json ? 2 : -1) << '\n';
}

}  // namespace

Result<int> print_similarity(const VitrunOptions& options, const std::shared_ptr<const Model>& model, Isa isa) {
  const Result<std::size_t> output = embedding_output(*model, "--similarity");
  if (!output.ok()) return output.status();
  const Result<std::vector<InputPicture>> expanded = expand_inputs(options.inputs, std::cin, options.name_end);
  if (!expanded.ok()) return expanded.status();
  const std::vector<InputPicture>& pictures = expanded.value();
  if (pictures.size() > kMostCompared) {
    return Status(Code::invalid_argument, "--similarity compares at most " + std::to_string(kMostCompared) +
                                              " pictures, not " + std::to_string(pictures.size()) +
                                              "; --query searches more");
  }
  EmbeddingCache none("", 0, 0);
  const Result<Embedded> result =
      embed_pictures(model, isa, options.threads, pictures, options.pictures, output.value(), none, options.quiet);
  if (!result.ok()) return result.status();
  const Embedded& embedded = result.value();
  if (options.format == OutputFormat::text || options.format == OutputFormat::csv) {
    options.format == OutputFormat::csv ? print_csv(embedded) : print_table(embedded);
    return finish(embedded);
  }
  Json rows = Json::array();
  for (const RealValues& one : embedded.values) {
    Json row = Json::array();
    for (const RealValues& other : embedded.values) row.push_back(cosine(one, other));
    rows.push_back(std::move(row));
  }
  const Json object = {{"pictures", embedded.names}, {"cosine", rows}, {"failed", failures(embedded)}};
  std::cout << json_text(object) << '\n';
  return finish(embedded);
}

Result<int> print_nearest(const VitrunOptions& options, const std::shared_ptr<const Model>& model, Isa isa) {
  const Result<std::size_t> output = embedding_output(*model, "--query");
  if (!output.ok()) return output.status();
  const auto pictures = searched_pictures(options);
  if (!pictures.ok()) return pictures.status();
  // Turned pictures have other embeddings.
  const std::uint64_t key = model->digest() ^ (options.pictures.exif_rotate ? 1 : 0);
  EmbeddingCache cache(options.cache, key, model->outputs()[output.value()].columns);
  std::string note;
  if (Status status = cache.open(note); !status.ok()) return status;
  if (!note.empty() && !options.quiet) print_message("vitrun", "note: " + note);
  EmbeddingCache none("", 0, 0);
  const auto query = embed_pictures(model, isa, options.threads, {{options.query, {}}}, options.pictures,
                                    output.value(), none, options.quiet);
  if (!query.ok()) return query.status();
  if (query.value().values.empty()) return kExitSomeInputsFailed;
  const auto result = embed_pictures(model, isa, options.threads, pictures.value(), options.pictures, output.value(),
                                     cache, options.quiet);
  if (!result.ok()) return result.status();
  const Embedded& embedded = result.value();
  const std::vector<Neighbour> found =
      nearest(query.value().values[0], embedded.values, static_cast<std::size_t>(options.top_k));
  print_found(options, embedded, found);
  return finish(embedded);
}

}  // namespace intvit
