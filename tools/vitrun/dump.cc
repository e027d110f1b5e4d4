#include "tools/vitrun/dump.h"

#include <fnmatch.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <iostream>
#include <set>
#include <string_view>
#include <utility>

#include "tools/common/cli/exit_code.h"
#include "tools/common/cli/shown_text.h"
#include "tools/common/cli/suggest.h"
#include "tools/common/results/npy.h"
#include "tools/common/results/text_table.h"
#include "tools/vitrun/inputs.h"
#include "tools/vitrun/made_folder.h"

namespace intvit {
namespace {

constexpr std::size_t kLongestStem = 200, kLongestName = 250;

// Of arrays that are collected before they are written.
constexpr std::size_t kMostBytes = std::size_t{256} << 20;

// A layer's name comes from the model's file and may be of any length, with which a pattern takes longer and longer.
bool matches(const std::string& pattern, const std::string& name) {
  return name.size() <= kLongestName && ::fnmatch(pattern.c_str(), name.c_str(), 0) == 0;
}

const char* numpy_name(DataType type) {
  return type == DataType::u8 ? "uint8" : type == DataType::s8 ? "int8" : type == DataType::s16 ? "int16" : "int32";
}

NpyType npy_type(DataType type) {
  return type == DataType::u8 ? NpyType::u8 : type == DataType::s16 ? NpyType::s16 : NpyType::s32;
}

void print_sites(const std::vector<Site>& sites, const Program& program) {
  const std::vector<std::string> names = site_names(sites);
  TextTable table({"site", "type", "shape", "codes"}, 1);
  for (std::size_t i = 0; i < sites.size(); ++i) {
    const Buffer& buffer = program.buffers[sites[i].buffer];
    const bool has_codes = buffer.type == DataType::u8 && sites[i].can_be_shown;
    table.add({names[i], sites[i].can_be_shown ? numpy_name(buffer.type) : "cannot be shown",
               "[" + std::to_string(buffer.rows) + ", " + std::to_string(buffer.columns) + "]",
               has_codes ? std::to_string(sites[i].highest_code + 1) : ""});
  }
  table.print(std::cout);
}

template <typename T>
void add_picture(const OutputView& output, NpyMatrix& array) {
  std::vector<T> values;
  values.reserve(static_cast<std::size_t>(output.rows) * static_cast<std::size_t>(output.columns));
  for (int r = 0; r < output.rows; ++r) {
    const View<const T> row = output.row<T>(r);
    values.insert(values.end(), row.begin(), row.end());
  }
  array.add_row(std::span<const T>(values));
}

void add_picture_of_any_type(const OutputView& output, NpyMatrix& array) {
  if (output.type == DataType::u8) return add_picture<std::uint8_t>(output, array);
  if (output.type == DataType::s16) return add_picture<std::int16_t>(output, array);
  add_picture<std::int32_t>(output, array);
}

// The sites of one run.
Status dump_range(const Program& program, SiteRun& run, const std::vector<Site>& sites,
                  const std::vector<std::string>& names, const SiteRange& range, const InputPixels& pictures,
                  const std::string& folder) {
  std::vector<NpyMatrix> arrays;
  for (std::size_t i = range.first; i < range.end; ++i) {
    const Buffer& buffer = program.buffers[sites[i].buffer];
    arrays.emplace_back(std::vector<std::size_t>{buffer.rows, buffer.columns}, npy_type(buffer.type));
  }
  for (const std::vector<std::uint8_t>& pixels : pictures.pixels) {
    std::copy(pixels.begin(), pixels.end(), run.session->picture(0));
    run.session->run();
    for (std::size_t i = 0; i < arrays.size(); ++i) add_picture_of_any_type(run.session->output(0, i), arrays[i]);
  }
  for (std::size_t i = 0; i < arrays.size(); ++i) {
    const std::size_t site = range.first + i;
    const Buffer& buffer = program.buffers[sites[site].buffer];
    const std::string file = (std::filesystem::path(folder) / (names[site] + ".npy")).string();
    if (Status status = arrays[i].write(file); !status.ok()) return status;
    std::cout << file << "  " << numpy_name(buffer.type) << " [" << arrays[i].rows() << ", " << buffer.rows << ", "
              << buffer.columns << "]\n";
  }
  return {};
}

// How many sites may be collected at once.
std::size_t most_at_once(const Program& program, const std::vector<Site>& sites, std::size_t pictures) {
  std::size_t largest = 1;
  for (const Site& site : sites) largest = std::max<std::size_t>(largest, program.buffers[site.buffer].bytes());
  return std::max<std::size_t>(1, kMostBytes / largest / pictures);
}

}  // namespace

std::vector<std::string> site_names(const std::vector<Site>& sites) {
  std::vector<std::string> names;
  std::set<std::string> taken;
  for (const Site& site : sites) {
    std::string stem = site.layer.empty() ? site.operation : site.layer + "." + site.operation;
    const auto is_plain = [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
             c == '.';
    };
    std::replace_if(
        stem.begin(), stem.end(), [&](char c) { return !is_plain(c); }, '_');
    if (stem.front() == '.' || stem.front() == '-') stem.front() = '_';
    if (stem.size() > kLongestStem) stem.resize(kLongestStem);
    if (site.is_lists) stem += ".aside";
    std::string name = stem;
    for (int i = 2; !taken.insert(name).second; ++i) name = stem + "-" + std::to_string(i);
    names.push_back(std::move(name));
  }
  return names;
}

Result<std::vector<std::size_t>> chosen_sites(const std::vector<Site>& sites,
                                              const std::vector<std::string>& patterns) {
  const std::vector<std::string> names = site_names(sites);
  std::set<std::size_t> chosen;
  for (const std::string& pattern : patterns) {
    const auto invalid = [&](const std::string& problem) {
      return Status(Code::invalid_argument,
                    "--dump '" + shortened(pattern) + "' " + problem + "; --dump list prints the sites there are");
    };
    bool matched = false, shown = false;
    for (std::size_t i = 0; i < sites.size(); ++i) {
      if (!matches(pattern, names[i]) && !matches(pattern, sites[i].layer)) continue;
      matched = true;
      if (!sites[i].can_be_shown) continue;
      shown = true;
      chosen.insert(i);
    }
    if (!matched) {
      const std::string guess = closest(shortened(pattern, kLongestName), names);
      return invalid("is no site of the model" + (guess.empty() ? "" : ", did you mean '" + guess + "'?"));
    }
    if (!shown) return invalid("has numbers in two planes of bytes, which cannot be shown");
  }
  return std::vector<std::size_t>(chosen.begin(), chosen.end());
}

Result<int> dump_sites(const VitrunOptions& options, const Model& model, Isa isa) {
  const Program& program = model.program();
  const std::vector<Site> all = sites_of(program);
  if (options.lists_sites()) {
    print_sites(all, program);
    if (!std::cout.flush()) return Status(Code::io, "cannot write the results to stdout");
    return static_cast<int>(kExitOk);
  }
  const Result<std::vector<std::size_t>> chosen = chosen_sites(all, options.dump);
  if (!chosen.ok()) return chosen.status();
  const std::vector<std::string> all_names = site_names(all);
  std::vector<Site> sites;
  std::vector<std::string> names;
  for (const std::size_t i : chosen.value()) {
    sites.push_back(all[i]);
    names.push_back(all_names[i]);
  }
  if (Status status = make_folder("sites", options.dump_to); !status.ok()) return status;
  const Result<InputPixels> pictures = read_input_pixels(options, model, isa, "--dump");
  if (!pictures.ok()) return pictures.status();
  const std::size_t most = most_at_once(program, sites, pictures.value().pixels.size());
  for (const SiteRange& range : site_ranges(program, sites, most)) {
    Result<SiteRun> run = make_site_run(program, sites, range, isa, options.threads);
    if (!run.ok()) return run.status();
    const Status status = dump_range(program, run.value(), sites, names, range, pictures.value(), options.dump_to);
    if (!status.ok()) return status;
  }
  if (!std::cout.flush()) return Status(Code::io, "cannot write the results to stdout");
  return pictures.value().failed > 0 ? kExitSomeInputsFailed : kExitOk;
}

}  // namespace intvit
