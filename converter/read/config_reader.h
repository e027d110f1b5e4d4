// Takes typed, bounded values out of a JSON object. A missing key and null leave the target as it is; the first value
// that is not allowed becomes the status, and later calls do nothing.
#pragma once

#include <array>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "intvit/status.h"
#include "models/vit.h"

namespace intvit {

class ConfigReader {
 public:
  // `path` names the file in messages; `object` must outlive the reader.
  ConfigReader(const nlohmann::json& object, std::string path) : object_(object), path_(std::move(path)) {}

  // Null when the key is missing or null.
  const nlohmann::json* find(const char* key) const;

  void whole(const char* key, int least, int most, std::optional<int>& target);
  // One or, in an array, up to 64.
  void wholes(const char* key, int least, int most, std::vector<int>& target);
  void real(const char* key, double least, double most, std::optional<double>& target);
  void flag(const char* key, std::optional<bool>& target);
  void text(const char* key, std::optional<std::string>& target);
  void triple(const char* key, double least, double most, std::optional<std::array<double, 3>>& target);

  // A number for both, [height, width] or, as timm's input_size, [3, height, width].
  void size(const char* key, int most, std::optional<int>& height, std::optional<int>& width);

  // The name of an activation in timm or transformers.
  void activation(const char* key, std::optional<Activation>& target);

  // All of one object: [names] or, with number keys "0", "1", ... without a gap, {number: name}.
  void names(const char* key, std::vector<std::string>& target);

  void fail(Code code, const char* key, const std::string& allowed);
  const Status& status() const { return status_; }
  const std::string& path() const { return path_; }

 private:
  const nlohmann::json& object_;
  std::string path_;
  Status status_;
};

// Names go into the model file and onto terminals: control characters become spaces, and a name ends at 1024 bytes.
std::string clean_label(std::string label);

}  // namespace intvit
