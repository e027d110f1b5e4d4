#include "tests/converter/checkpoints.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <cstring>
#include <fstream>

#include "models/tensor_names.h"

namespace intvit::checkpoints {
namespace {

void check_same(const FloatLinear& a, const FloatLinear& b) {
  CHECK(a.out == b.out);
  CHECK(a.in == b.in);
  CHECK(a.weight == b.weight);
  CHECK(a.bias == b.bias);
}

}  // namespace

TempFolder::TempFolder() {
  std::string pattern = (std::filesystem::temp_directory_path() / "intvit_read_XXXXXX").string();
  path_ = ::mkdtemp(pattern.data());
}

TempFolder::~TempFolder() { std::filesystem::remove_all(path_); }

void TempFolder::write(const std::string& name, const std::string& text) const {
  std::ofstream(path_ / name, std::ios::binary) << text;
}

std::string with_header(const std::string& header, const std::string& data) {
  std::uint64_t length = header.size();
  std::string bytes(sizeof(length), '\0');
  std::memcpy(bytes.data(), &length, sizeof(length));
  return bytes + header + data;
}

std::string safetensors(const TensorMap& tensors, const std::string& metadata) {
  std::string header = metadata.empty() ? "{" : "{\"__metadata__\":" + metadata + ",";
  std::string data;
  for (const auto& [name, tensor] : tensors) {
    std::string shape;
    for (const std::int64_t n : tensor.shape) shape.append(shape.empty() ? "" : ",").append(std::to_string(n));
    const std::string begin = std::to_string(data.size());
    data.append(reinterpret_cast<const char*>(tensor.values.data()), tensor.values.size() * sizeof(float));
    if (header.back() == '}') header += ',';
    header += "\"" + name + "\":{\"dtype\":\"F32\",\"shape\":[" + shape + "],\"data_offsets\":[" + begin + "," +
              std::to_string(data.size()) + "]}";
  }
  return with_header(header + "}", data);
}

StoredTensor numbered(std::vector<std::int64_t> shape, int seed) {
  std::int64_t count = 1;
  for (const std::int64_t n : shape) count *= n;
  StoredTensor tensor = {std::move(shape), {}};
  for (std::int64_t i = 0; i < count; ++i) tensor.values.push_back(static_cast<float>(seed * 1000 + i) / 64.0f);
  return tensor;
}

VitDescription tiny_description() {
  VitDescription vit;
  vit.patch_size = 4;
  vit.embed_dim = 16;
  vit.depth = 1;
  vit.num_heads = 2;
  vit.mlp_dim = 32;
  vit.num_classes = 5;
  vit.preprocessing.height = vit.preprocessing.width = 8;
  return vit;
}

TensorMap tensors_of(const VitDescription& vit) {
  TensorMap tensors;
  int seed = 1;
  TensorLayout layout;
  layout.distillation_head = vit.distillation_token;
  for (const TensorSpec& spec : vit_tensors(vit, layout)) tensors[spec.name.name] = numbered(spec.shape, seed++);
  return tensors;
}

Result<FloatNetwork> load_tiny(const TensorMap& tensors, const std::string& config, const OutputChoice& outputs) {
  const TempFolder folder;
  folder.write("model.safetensors", safetensors(tensors));
  if (!config.empty()) folder.write("config.json", config);
  return load_network(folder.path(), nullptr, outputs);
}

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

void check_load_fails(const Result<FloatNetwork>& network, Code code, const std::vector<std::string>& parts) {
  REQUIRE_FALSE(network.ok());
  CAPTURE(network.status().message());
  CHECK(network.status().code() == code);
  for (const std::string& part : parts) {
    CAPTURE(part);
    CHECK(contains(network.status().message(), part));
  }
  CHECK_FALSE(contains(network.status().message(), "\n"));
}

void check_same(const FloatNetwork& a, const FloatNetwork& b) {
  REQUIRE(a.nodes.size() == b.nodes.size());
  REQUIRE(a.tensors.size() == b.tensors.size());
  for (std::size_t i = 0; i < a.tensors.size(); ++i) {
    CHECK(a.tensors[i].name == b.tensors[i].name);
    CHECK(a.tensors[i].rows == b.tensors[i].rows);
    CHECK(a.tensors[i].columns == b.tensors[i].columns);
    CHECK(a.tensors[i].heads == b.tensors[i].heads);
  }
  for (std::size_t i = 0; i < a.nodes.size(); ++i) {
    const Node &left = a.nodes[i], &right = b.nodes[i];
    CHECK(left.name == right.name);
    CHECK(left.inputs == right.inputs);
    REQUIRE(left.kind.index() == right.kind.index());
    if (left.weights() != nullptr) check_same(*left.weights(), *right.weights());
    if (const auto* embed = left.as<PatchEmbed>()) CHECK(embed->token_init == right.as<PatchEmbed>()->token_init);
    if (const auto* norm = left.as<LayerNorm>()) {
      CHECK(norm->norm.gamma == right.as<LayerNorm>()->norm.gamma);
      CHECK(norm->norm.beta == right.as<LayerNorm>()->norm.beta);
    }
  }
}

}  // namespace intvit::checkpoints
