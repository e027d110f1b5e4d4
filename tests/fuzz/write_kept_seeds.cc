// Writes the files that fuzz_kept begins with, each behind the byte that names its reader, into a folder.
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "engine/format/checksum.h"
#include "tests/fuzz/kept_files.h"
#include "tools/common/results/digest.h"
#include "tools/common/results/npy.h"
#include "tools/vitconvert/manifest.h"
#include "tools/vitconvert/sweep/float_truth.h"
#include "tools/vitconvert/sweep/result.h"
#include "tools/vitrun/embedding_cache.h"

namespace {

using namespace intvit;

const test::Folder made;

std::string bytes_of(const std::string& name) {
  std::ostringstream text;
  text << std::ifstream(made.file(name), std::ios::binary).rdbuf();
  return text.str();
}

Status write_embeddings() {
  EmbeddingCache cache(made.file("embeddings"), test::kModelDigest, test::kColumns);
  for (const char* name : {"a", "b"}) {
    const std::string picture = made.write(name, "picture");
    cache.put(picture, *stamp_of(picture), RealValues(test::kColumns, 0.5f));
  }
  return cache.write();
}

Status write_calibration() {
  const FloatNetwork& network = test::kept_network();
  Calibration calibration{CalibrationStatistics(network), {}, 1};
  for (int picture = 0; picture < test::kPictures; ++picture) {
    for (std::size_t id = 0; id < network.tensors.size(); ++id) {
      const Tensor& tensor = network.tensors[id];
      std::vector<float> values(static_cast<std::size_t>(tensor.rows) * static_cast<std::size_t>(tensor.columns));
      for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i % 7) - 2;
      calibration.statistics.on_activation(static_cast<TensorId>(id), values.data(), tensor.rows, tensor.columns);
    }
  }
  for (std::size_t o = 0; o < network.outputs.size(); ++o) {
    calibration.outputs.emplace_back(test::kPictures * output_size(network, o), 0.25f);
  }
  auto cache = CalibrationCache::open(made.file("calibration"), test::kept_key(), [](const std::string&) {});
  if (!cache.ok()) return cache.status();
  return cache.value().keep(0, {}, calibration);
}

Status write_sweep() {
  FloatTruth truth{test::kClasses, std::vector<float>(test::kPictures * test::kClasses, 1.5f)};
  if (Status status = save(truth, made.path, test::kKey); !status.ok()) return status;
  SweepResult result;
  result.combination.method = "minmax";
  result.latency = Latency{1.5, "avx2", "a CPU"};
  return write_result(made.file("result"), result, test::kKey);
}

// As --eval prints them with --format json, jsonl and csv.
constexpr const char* kSummary = R"({
  "model": "m.bin",
  "count": 2,
  "failed": 0,
  "top1_hits": 1,
  "top5_hits": 2
}
)";
constexpr const char* kLines = R"({"name": "a.png", "target": 0, "class": 0, "rank": 1}
{"name": "b.png", "target": 1, "error": "cannot be read"}
{"model": "m.bin", "count": 1, "failed": 1, "top1_hits": 1, "top5_hits": 1}
)";
constexpr const char* kTable = "name,target,target_label,class,label,rank,error\na.png,0,a,3,\"d, or \"\"e\"\"\",3,\n";

// On one line, as fuzz_kept takes them.
std::string facts() {
  std::string text = bytes_of("float.json");
  std::erase(text, '\n');
  return text + "\n";
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return std::fputs("usage: write_kept_seeds FOLDER\n", stderr), 2;
  for (const Status& status : {write_embeddings(), write_calibration(), write_sweep()}) {
    if (!status.ok()) return std::fprintf(stderr, "%s\n", status.message().c_str()), 1;
  }
  const std::string manifest = manifest_of({{"file", test::kKey, 12, "all"}, {"constant", test::kKey, 34, "a.b"}});
  const std::pair<std::string, std::string> seeds[] = {
      {"E", bytes_of("embeddings")},
      {"K", bytes_of("calibration")},
      {"R", bytes_of("result")},
      {"F", facts() + bytes_of("float_logits.npy")},
      {"M", manifest},
      {"H", bytes_of("float_logits.npy")},
      {"S", kSummary},
      {"S2", kLines},
      {"S3", kTable},
  };
  bool ok = true;
  for (const auto& [name, bytes] : seeds) {
    std::ofstream out(std::string(argv[1]) + "/" + name + ".seed", std::ios::binary);
    ok = ok && (out << name[0] << bytes).flush().good();
  }
  return ok ? 0 : 1;
}
