// Files that the tools keep for themselves, of any bytes: caches of embeddings and of calibration, what a sweep found,
// what --eval printed, manifests, and arrays of frames. The first byte says which reader gets the rest. Each must give
// what it reads or say what is wrong. Caches also get their bytes with a checksum that is right.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "engine/format/checksum.h"
#include "tests/fuzz/kept_files.h"
#include "tools/common/results/digest.h"
#include "tools/common/results/npy.h"
#include "tools/vitconvert/manifest.h"
#include "tools/vitconvert/sweep/float_truth.h"
#include "tools/vitconvert/sweep/result.h"
#include "tools/vitrun/embedding_cache.h"
#include "tools/vitrun/eval_part.h"

namespace {

using namespace intvit;

const test::Folder& folder() {
  static const test::Folder made;
  return made;
}

void require_message(const Status& status) {
  if (!status.ok() && status.message().empty()) __builtin_trap();
}

void read_embeddings(std::string_view bytes) {
  EmbeddingCache cache(folder().write("file", bytes), test::kModelDigest, test::kColumns);
  std::string note;
  require_message(cache.open(note));
  const RealValues* found = cache.find(folder().file("file"));
  if (found != nullptr && found->size() != test::kColumns) __builtin_trap();
}

void read_calibration(std::string_view bytes) {
  const auto cache = CalibrationCache::open(folder().write("file", bytes), test::kept_key(), [](const std::string&) {});
  require_message(cache.status());
  if (!cache.ok()) return;
  FloatNetwork network = test::kept_network();
  require_message(cache.value().find(0, test::kPictures, network).status());
}

void read_result_of_a_sweep(std::string_view bytes) {
  SweepResult result;
  if (read_result(folder().write("file", bytes), test::kKey, result) == Stored::ok) to_json(result);
}

// The first line is the facts, the rest the array.
void read_truth(std::string_view bytes) {
  const std::string_view facts = bytes.substr(0, bytes.find('\n'));
  bytes.remove_prefix(std::min(bytes.size(), facts.size() + 1));
  folder().write("float.json", facts);
  folder().write("float_logits.npy", bytes);
  FloatTruth truth;
  if (load(folder().path, test::kKey, test::kPictures, test::kClasses, truth)) truth.has(test::kPictures - 1);
}

void read_frames(std::string_view bytes) {
  std::istringstream in{std::string(bytes)};
  require_message(read_npy_header(in, {"|u1", "<f4"}).status());
}

// The last eight bytes are the checksum of all before them.
std::string with_checksum(std::string_view bytes) {
  std::string repaired(bytes.substr(0, bytes.size() - std::min<std::size_t>(bytes.size(), 8)));
  const std::uint64_t sum = checksum64({reinterpret_cast<const std::uint8_t*>(repaired.data()), repaired.size()});
  for (int shift = 0; shift < 64; shift += 8) repaired += static_cast<char>(sum >> shift);
  return repaired;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0]) {
    case 'E':
      read_embeddings(bytes);
      read_embeddings(with_checksum(bytes));
      break;
    case 'K':
      read_calibration(bytes);
      read_calibration(with_checksum(bytes));
      break;
    case 'R':
      read_result_of_a_sweep(bytes);
      break;
    case 'F':
      read_truth(bytes);
      break;
    case 'S':
      require_message(read_eval_part(folder().write("file", bytes)).status());
      break;
    case 'M':
      require_message(read_manifest(folder().write("file", bytes)).status());
      break;
    case 'H':
      read_frames(bytes);
      break;
    default:
      break;
  }
  return 0;
}
