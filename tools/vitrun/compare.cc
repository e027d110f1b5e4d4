#include "tools/vitrun/compare.h"

#include <filesystem>
#include <iomanip>
#include <iostream>
#include <nlohmann/json.hpp>
#include <utility>

#include "tools/common/cli/exit_code.h"
#include "tools/common/pictures/picture_list.h"
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
Result<std::vector<InputPicture>> searched_pictures(const std::vector<std::string>& inputs) {
  std::vector<InputPicture> pictures;
  for (const std::string& input : inputs) {
    std::error_code ignored;
    if (input == "-" || is_picture_name(input) || std::filesystem::is_directory(input, ignored)) {
      for (InputPicture& picture : expand_inputs({input}, std::cin)) pictures.push_back(std::move(picture));
      continue;
    }
    const auto listed = read_picture_list(input);
    if (!listed.ok()) return listed.status();
    for (const LabelledPicture& picture : listed.value()) pictures.push_back({picture.path, {}});
  }
  return pictures;
}

void print_table(const Embedded& embedded) {
  TextTable::Cells header = {"picture"};
  for (std::size_t i = 0; i < embedded.names.size(); ++i) header.push_back(std::to_string(i + 1));
  TextTable table(header, 1);
  for (std::size_t i = 0; i < embedded.names.size(); ++i) {
    TextTable::Cells cells = {std::to_string(i + 1) + " " + embedded.names[i]};
    for (const RealValues& other : embedded.values) cells.push_back(fixed(cosine(embedded.values[i], other), 4));
    table.add(std::move(cells));
  }
  table.print(std::cout);
}

}  // namespace

Result<int> print_similarity(const VitrunOptions& options, const std::shared_ptr<const Model>& model, Isa isa) {
  const Result<std::size_t> output = embedding_output(*model, "--similarity");
  if (!output.ok()) return output.status();
  const std::vector<InputPicture> pictures = expand_inputs(options.inputs, std::cin);
  if (pictures.size() > kMostCompared) {
    return Status(Code::invalid_argument, "--similarity compares at most " + std::to_string(kMostCompared) +
                                              " pictures, not " + std::to_string(pictures.size()) +
                                              "; --query searches more");
  }
  EmbeddingCache none("", 0, 0);
  const Result<Embedded> result =
      embed_pictures(model, isa, options.threads, pictures, options.pictures, output.value(), none);
  if (!result.ok()) return result.status();
  const Embedded& embedded = result.value();
  if (!options.json) {
    print_table(embedded);
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
  const auto pictures = searched_pictures(options.inputs);
  if (!pictures.ok()) return pictures.status();
  // Turned pictures have other embeddings.
  const std::uint64_t key = model->digest() ^ (options.pictures.exif_rotate ? 1 : 0);
  EmbeddingCache cache(options.cache, key, model->outputs()[output.value()].columns);
  std::string note;
  if (Status status = cache.open(note); !status.ok()) return status;
  if (!note.empty()) std::cerr << "vitrun: note: " << note << '\n';
  EmbeddingCache none("", 0, 0);
  const auto query =
      embed_pictures(model, isa, options.threads, {{options.query, {}}}, options.pictures, output.value(), none);
  if (!query.ok()) return query.status();
  if (query.value().values.empty()) return kExitSomeInputsFailed;
  const auto result =
      embed_pictures(model, isa, options.threads, pictures.value(), options.pictures, output.value(), cache);
  if (!result.ok()) return result.status();
  const Embedded& embedded = result.value();
  const std::vector<Neighbour> found =
      nearest(query.value().values[0], embedded.values, static_cast<std::size_t>(options.top_k));
  if (!options.json) {
    std::cout << options.query << '\n' << std::fixed << std::setprecision(4);
    int rank = 0;
    for (const Neighbour& n : found) {
      std::cout << std::setw(4) << ++rank << std::setw(9) << n.cosine << "  " << embedded.names[n.index] << '\n';
    }
    return finish(embedded);
  }
  Json neighbours = Json::array();
  for (const Neighbour& n : found) neighbours.push_back({{"name", embedded.names[n.index]}, {"cosine", n.cosine}});
  const Json object = {{"query", options.query},
                       {"nearest", neighbours},
                       {"pictures", embedded.names.size()},
                       {"from_cache", embedded.from_cache},
                       {"failed", failures(embedded)}};
  std::cout << json_text(object, 2) << '\n';
  return finish(embedded);
}

}  // namespace intvit
