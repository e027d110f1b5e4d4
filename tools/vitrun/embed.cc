#include "tools/vitrun/embed.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "tools/common/cli/progress_line.h"
#include "tools/common/cli/shown_text.h"
#include "tools/common/pictures/classify_in_order.h"

namespace intvit {
namespace {

// New embeddings after which the cache is written, so that an interruption does not lose them all.
constexpr std::size_t kWriteEvery = 4096;

}  // namespace

Result<std::size_t> embedding_output(const Model& model, const std::string& option) {
  const std::vector<Port>& ports = model.outputs();
  for (std::size_t i = 0; i < ports.size(); ++i) {
    if (ports[i].kind == PortKind::embedding) return i;
  }
  return {Code::invalid_argument, option +
                                      " needs an embedding, which the model does not have; convert it with "
                                      "--ports embedding (and logits, if it is to classify, too)"};
}

Result<Embedded> embed_pictures(const std::shared_ptr<const Model>& model, Isa isa, int threads,
                                const std::vector<InputPicture>& pictures, const PictureOptions& reading,
                                std::size_t output, EmbeddingCache& cache, bool quiet) {
  // By place in `pictures`.
  std::vector<RealValues> values(pictures.size());
  std::vector<std::string> problems(pictures.size());
  std::vector<InputPicture> missing;
  std::vector<std::size_t> places;
  std::vector<std::optional<FileStamp>> stamps;
  for (std::size_t i = 0; i < pictures.size(); ++i) {
    if (const RealValues* known = cache.find(pictures[i].path)) {
      values[i] = *known;
      continue;
    }
    missing.push_back(pictures[i]);
    places.push_back(i);
    stamps.push_back(stamp_of(pictures[i].path));
  }
  ProgressLine progress(!quiet);
  Status unwritten;
  const Stopwatch time;
  const auto consume = [&](std::size_t index, const ClassifiedPicture& picture) {
    const std::size_t place = places[index];
    if (picture.status.ok()) {
      values[place] = picture.outputs[output];
      if (stamps[index]) cache.put(pictures[place].path, *stamps[index], values[place]);
    } else {
      problems[place] = picture.status.message();
      progress.clear();
      print_message("vitrun", picture.status.message());
    }
    if ((index + 1) % kWriteEvery == 0 && unwritten.ok()) unwritten = cache.write();
    if (progress.due()) progress.show(progress_text("embedding ", index + 1, missing.size(), "", time.seconds()));
  };
  if (!missing.empty()) {
    const auto workers = classify_in_order(model, isa, threads, missing, consume, true, reading);
    if (!workers.ok()) return workers.status();
  }
  progress.clear();
  if (unwritten.ok()) unwritten = cache.write();
  if (!unwritten.ok()) return unwritten;
  Embedded embedded;
  embedded.from_cache = pictures.size() - missing.size();
  for (std::size_t i = 0; i < pictures.size(); ++i) {
    if (!problems[i].empty()) {
      embedded.failed.emplace_back(pictures[i].path, problems[i]);
      continue;
    }
    embedded.names.push_back(pictures[i].path);
    embedded.values.push_back(std::move(values[i]));
  }
  return embedded;
}

double cosine(const RealValues& a, const RealValues& b) {
  double product = 0;
  for (std::size_t i = 0; i < a.size(); ++i) product += static_cast<double>(a[i]) * b[i];
  const double lengths = l2_norm(a) * l2_norm(b);
  return lengths > 0 ? std::clamp(product / lengths, -1.0, 1.0) : 0.0;
}

std::vector<Neighbour> nearest(const RealValues& query, const std::vector<RealValues>& values, std::size_t count) {
  std::vector<Neighbour> all;
  for (std::size_t i = 0; i < values.size(); ++i) all.push_back({i, cosine(query, values[i])});
  const auto end = all.begin() + static_cast<std::ptrdiff_t>(std::min(count, all.size()));
  std::partial_sort(all.begin(), end, all.end(), [](const Neighbour& a, const Neighbour& b) {
    return a.cosine != b.cosine ? a.cosine > b.cosine : a.index < b.index;
  });
  all.erase(end, all.end());
  return all;
}

}  // namespace intvit
