#include "tools/vitconvert/sweep/result.h"

#include <filesystem>
#include <nlohmann/json.hpp>

#include "engine/format/writer.h"
#include "tools/vitconvert/sweep/checksums.h"

namespace intvit {

using OrderedJson = nlohmann::ordered_json;

OrderedJson to_json(const SweepResult& result) {
  const Combination& c = result.combination;
  OrderedJson json = {{"method", c.method}, {"weight_bits", c.bits.weights}, {"activation_bits", c.bits.activations}};
  if (!c.settings.empty()) json["settings"] = c.settings;
  if (!result.failure.ok()) {
    json["error"] = result.failure.message();
    return json;
  }
  const Evaluation& e = result.evaluation;
  json["pictures"] = e.pictures;
  json["failed"] = e.failed;
  json["top1"] = e.top1;
  json["top5"] = e.top5;
  json["float_top1"] = e.float_top1;
  json["drop"] = e.drop();
  json["agreement"] = e.agreement;
  json["logit_sqnr_db"] = e.logit_sqnr_db;
  json["effective_activation_bits"] = result.effective_bits;
  json["bytes"] = result.bytes;
  json["model_checksum"] = result.model_checksum;
  if (result.latency) {
    json["median_ms"] = result.latency->milliseconds;
    json["isa"] = result.latency->isa;
    json["cpu"] = result.latency->cpu;
  }
  return json;
}

Status write_result(const std::string& path, const SweepResult& result, const std::string& key) {
  OrderedJson json = {{"key", key}};
  json.update(to_json(result));
  const std::string text = json.dump(1) + "\n";
  return write_file_atomically(path, {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
}

Stored read_result(const std::string& path, const std::string& key, SweepResult& result) {
  std::error_code error;
  if (!std::filesystem::exists(path, error)) return Stored::absent;
  try {
    const OrderedJson json = OrderedJson::parse(read_bytes(path));
    if (json.at("key").get<std::string>() != key) return Stored::other_key;
    Evaluation& e = result.evaluation;
    json.at("pictures").get_to(e.pictures);
    json.at("failed").get_to(e.failed);
    json.at("top1").get_to(e.top1);
    json.at("top5").get_to(e.top5);
    json.at("float_top1").get_to(e.float_top1);
    json.at("agreement").get_to(e.agreement);
    json.at("logit_sqnr_db").get_to(e.logit_sqnr_db);
    json.at("effective_activation_bits").get_to(result.effective_bits);
    json.at("bytes").get_to(result.bytes);
    json.at("model_checksum").get_to(result.model_checksum);
    if (json.contains("median_ms")) {
      result.latency = Latency{json.at("median_ms").get<double>(), json.at("isa").get<std::string>(),
                               json.at("cpu").get<std::string>()};
    }
    return Stored::ok;
  } catch (const nlohmann::json::exception&) {
    return Stored::damaged;
  }
}

}  // namespace intvit
