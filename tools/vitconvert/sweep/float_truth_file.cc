#include <cstring>
#include <nlohmann/json.hpp>

#include "engine/format/checksum.h"
#include "engine/format/writer.h"
#include "tools/common/results/digest.h"
#include "tools/common/results/npy.h"
#include "tools/vitconvert/sweep/checksums.h"
#include "tools/vitconvert/sweep/float_truth.h"

namespace intvit {
namespace {

std::string logits_path(const std::string& folder) { return folder + "/float_logits.npy"; }
std::string facts_path(const std::string& folder) { return folder + "/float.json"; }

}  // namespace

Status save(const FloatTruth& truth, const std::string& folder, const std::string& key) {
  NpyMatrix matrix(truth.classes);
  for (std::size_t i = 0; i * truth.classes < truth.logits.size(); ++i) matrix.add_row({truth.row(i), truth.classes});
  if (Status status = matrix.write(logits_path(folder)); !status.ok()) return status;
  const nlohmann::ordered_json facts = {{"key", key}, {"logits_checksum", hex64(checksum64(matrix.bytes()))}};
  const std::string text = facts.dump(1) + "\n";
  return write_file_atomically(facts_path(folder), {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
}

bool load(const std::string& folder, const std::string& key, std::size_t pictures, std::size_t classes,
          FloatTruth& truth) {
  const nlohmann::json facts = nlohmann::json::parse(read_bytes(facts_path(folder)), nullptr, false);
  if (!facts.is_object() || !facts.contains("key") || facts["key"] != key) return false;
  const std::vector<std::uint8_t> file = read_bytes(logits_path(folder));
  const std::size_t bytes = pictures * classes * sizeof(float);
  if (facts.value("logits_checksum", "") != hex64(checksum64(file)) || file.size() < bytes) return false;
  truth.classes = classes;
  truth.logits.resize(pictures * classes);
  std::memcpy(truth.logits.data(), file.data() + (file.size() - bytes), bytes);  // behind the header
  return true;
}

}  // namespace intvit
