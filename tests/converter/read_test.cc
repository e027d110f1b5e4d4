// converter/read: safetensors files, names, folding, and that a damaged or hostile file gives one clear message.
#include <doctest/doctest.h>
#include <unistd.h>

#include <bit>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "converter/read/load_network.h"
#include "converter/read/safetensors.h"
#include "models/architectures.h"
#include "models/tensor_names.h"

using namespace intvit;

namespace {

namespace fs = std::filesystem;

class TempFolder {
 public:
  TempFolder() {
    std::string pattern = (fs::temp_directory_path() / "intvit_read_XXXXXX").string();
    path_ = ::mkdtemp(pattern.data());
  }
  ~TempFolder() { fs::remove_all(path_); }
  TempFolder(const TempFolder&) = delete;

  std::string file(const std::string& name) const { return (path_ / name).string(); }
  std::string path() const { return path_.string(); }
  void write(const std::string& name, const std::string& text) const {
    std::ofstream(path_ / name, std::ios::binary) << text;
  }

 private:
  fs::path path_;
};

struct Tensor {
  std::vector<std::int64_t> shape;
  std::vector<float> values;
};
using TensorMap = std::map<std::string, Tensor>;

std::string with_header(const std::string& header, const std::string& data) {
  std::uint64_t length = header.size();
  std::string bytes(sizeof(length), '\0');
  std::memcpy(bytes.data(), &length, sizeof(length));
  return bytes + header + data;
}

std::string safetensors(const TensorMap& tensors, const std::string& metadata = "") {
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

// Values that differ everywhere, from `seed` on.
Tensor numbered(std::vector<std::int64_t> shape, int seed) {
  std::int64_t count = 1;
  for (const std::int64_t n : shape) count *= n;
  Tensor tensor = {std::move(shape), {}};
  for (std::int64_t i = 0; i < count; ++i) tensor.values.push_back(static_cast<float>(seed * 1000 + i) / 64.0f);
  return tensor;
}

// Input 8 x 8, patches of 4, C = 16, one block, two heads, 5 classes.
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
  const TensorLayout layout = {false, vit.distillation_token};
  for (const TensorSpec& spec : vit_tensors(vit, layout)) tensors[spec.name.name] = numbered(spec.shape, seed++);
  return tensors;
}

constexpr const char* kTinyConfig = R"({"architecture": "tiny", "num_classes": 5, "num_heads": 2,
  "pretrained_cfg": {"input_size": [3, 8, 8], "crop_pct": 0.9, "mean": [0.5, 0.5, 0.5], "std": [0.25, 0.5, 0.5]},
  "label_names": ["a", "b", "c", "d", "e"]})";

Result<FloatNetwork> load_tiny(const TensorMap& tensors, const std::string& config = kTinyConfig) {
  const TempFolder folder;
  folder.write("model.safetensors", safetensors(tensors));
  if (!config.empty()) folder.write("config.json", config);
  return load_network(folder.path());
}

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

// The file is refused with `code`, in one line that has `part`.
void check_refused(const std::string& bytes, Code code, const std::string& part) {
  const Result<SafetensorsFile> file = SafetensorsFile::open_memory(std::as_bytes(std::span(bytes)), "hostile.st");
  REQUIRE_FALSE(file.ok());
  CAPTURE(file.status().message());
  CHECK(file.status().code() == code);
  CHECK(contains(file.status().message(), "hostile.st"));
  CHECK(contains(file.status().message(), part));
  CHECK_FALSE(contains(file.status().message(), "\n"));
}

// One tensor 'a' with 8 bytes of data.
void check_tensor_refused(const std::string& tensor, const std::string& part) {
  check_refused(with_header("{\"a\":" + tensor + "}", "12345678"), Code::corrupt_file, part);
}

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

std::vector<std::uint32_t> bits_of(const std::vector<float>& values) {
  std::vector<std::uint32_t> bits;
  for (const float value : values) bits.push_back(std::bit_cast<std::uint32_t>(value));
  return bits;
}

std::vector<std::uint32_t> read_16_bit(const std::string& dtype, std::vector<std::uint16_t> words) {
  const std::string data(reinterpret_cast<const char*>(words.data()), words.size() * 2);
  // A header of odd length, so that the data are not aligned.
  std::string header = "{\"a\":{\"dtype\":\"" + dtype + "\",\"shape\":[" + std::to_string(words.size()) +
                       "],\"data_offsets\":[0," + std::to_string(data.size()) + "]}}";
  if (header.size() % 2 == 0) header += ' ';
  const std::string bytes = with_header(header, data);
  const auto file = SafetensorsFile::open_memory(std::as_bytes(std::span(bytes)), "memory");
  REQUIRE(file.ok());
  const auto values = file.value().read("a");
  REQUIRE(values.ok());
  return bits_of(values.value());
}

}  // namespace

TEST_CASE("safetensors: f16, bf16 and f32 are converted exactly") {
  // 0, -0, smallest and largest subnormal, smallest normal, 1, -2, largest.
  CHECK(read_16_bit("F16", {0x0000, 0x8000, 0x0001, 0x83ff, 0x0400, 0x3c00, 0xc000, 0x7bff}) ==
        bits_of({0.0f, -0.0f, 0x1p-24f, -0x3ffp-24f, 0x1p-14f, 1.0f, -2.0f, 65504.0f}));
  CHECK(read_16_bit("BF16", {0x0000, 0x8000, 0x0001, 0x3f80, 0xc049, 0x7f7f}) ==
        std::vector<std::uint32_t>{0, 0x80000000u, 0x10000u, 0x3f800000u, 0xc0490000u, 0x7f7f0000u});

  const Tensor tensor = {{3}, {std::bit_cast<float>(1u), -0.0f, 0.1f}};
  const TempFolder folder;
  folder.write("x.safetensors", safetensors({{"a", tensor}}, R"({"format":"pt"})"));
  const auto file = SafetensorsFile::open(folder.file("x.safetensors"));
  REQUIRE(file.ok());
  CHECK(file.value().metadata().at("format") == "pt");
  const auto values = file.value().read("a");
  REQUIRE(values.ok());
  CHECK(bits_of(values.value()) == bits_of(tensor.values));
  CHECK(file.value().read("b").status().code() == Code::not_found);
}

TEST_CASE("safetensors: other types are listed but not read as weights") {
  const std::string bytes = with_header(R"({"index":{"dtype":"I64","shape":[1],"data_offsets":[0,8]}})", "12345678");
  const auto file = SafetensorsFile::open_memory(std::as_bytes(std::span(bytes)), "memory");
  REQUIRE(file.ok());
  REQUIRE(file.value().tensors().size() == 1);
  const auto values = file.value().read("index");
  CHECK(values.status().code() == Code::unsupported);
  CHECK(contains(values.status().message(), "'index'"));
  CHECK(contains(values.status().message(), "I64"));
}

TEST_CASE("safetensors: hostile headers") {
  check_refused("", Code::corrupt_file, "0 bytes");
  check_refused(std::string(8, '\0'), Code::corrupt_file, "claims 0 bytes");
  check_refused(std::string(8, '\xff') + "{}", Code::corrupt_file, "claims 18446744073709551615 bytes");
  check_refused(with_header("{}", "").substr(0, 9), Code::corrupt_file, "claims 2 bytes");
  check_refused(with_header("not JSON", ""), Code::corrupt_file, "not JSON");
  check_refused(with_header("{\"\xff\xfe\":1}", ""), Code::corrupt_file, "not JSON");
  check_refused(with_header("{} {}", ""), Code::corrupt_file, "not JSON");
  check_refused(with_header("[1]", ""), Code::corrupt_file, "array");
  check_refused(with_header("1e999", ""), Code::corrupt_file, "JSON");
  check_refused(with_header(std::string(100000, '['), ""), Code::corrupt_file, "array");
  std::string objects;
  for (int i = 0; i < 100000; ++i) objects += "{\"a\":";
  check_refused(with_header(objects, ""), Code::corrupt_file, "'a' has the unknown key");
  check_refused(with_header(R"({"__metadata__":{"a":1}})", ""), Code::corrupt_file, "'__metadata__'");
  check_refused(with_header(R"({"__metadata__":{},"__metadata__":{}})", ""), Code::corrupt_file, "twice");
  check_refused(with_header(R"({"a\nb":1})", ""), Code::corrupt_file, "'a?b'");
}

TEST_CASE("safetensors: hostile tensors are named") {
  check_tensor_refused(R"({"dtype":"F32","shape":[2]})", "'a' lacks");
  check_tensor_refused(R"({"dtype":"F32","shape":[2],"data_offsets":[0,16]})", "'a' has data_offsets [0, 16]");
  check_tensor_refused(R"({"dtype":"F32","shape":[2],"data_offsets":[8,0]})", "'a' has data_offsets [8, 0]");
  check_tensor_refused(R"({"dtype":"F32","shape":[2],"data_offsets":[0,18446744073709551615]})", "'a' has the number");
  check_tensor_refused(R"({"dtype":"F32","shape":[2],"data_offsets":[0,1e3]})", "'a' has the number '1e3'");
  check_tensor_refused(R"({"dtype":"F32","shape":[2],"data_offsets":[0,8,8]})", "'a' has more than two");
  check_tensor_refused(R"({"dtype":"F32","shape":[-2],"data_offsets":[0,8]})", "'a' has the negative -2");
  check_tensor_refused(R"({"dtype":"F32","shape":[2.5],"data_offsets":[0,8]})", "'a' has the number '2.5'");
  check_tensor_refused(R"({"dtype":"F32","shape":[3],"data_offsets":[0,8]})", "'a' has shape [3]");
  check_tensor_refused(R"({"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,0]})", "too large");
  check_tensor_refused(R"({"dtype":"F32","shape":[[2]],"data_offsets":[0,8]})", "'a' has an array");
  check_tensor_refused(R"({"dtype":"F32","shape":[2],"shape":[2],"data_offsets":[0,8]})", "'a' has shape twice");
  const std::string at0 = R"({"dtype":"F32","shape":[1],"data_offsets":[0,4]})";
  const std::string at2 = R"({"dtype":"F32","shape":[1],"data_offsets":[2,6]})";
  const std::string at4 = R"({"dtype":"F32","shape":[1],"data_offsets":[4,8]})";
  check_refused(with_header("{\"a\":" + at0 + ",\"b\":" + at2 + "}", "12345678"), Code::corrupt_file,
                "'b' overlaps 'a'");
  check_refused(with_header("{\"a\":" + at0 + ",\"a\":" + at4 + "}", "12345678"), Code::corrupt_file,
                "'a' is there twice");
}

TEST_CASE("safetensors: every truncation of a file is refused") {
  const std::string bytes = safetensors({{"a", numbered({2, 3}, 1)}, {"b", numbered({4}, 2)}});
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const std::string part = bytes.substr(0, size);
    CAPTURE(size);
    const auto file = SafetensorsFile::open_memory(std::as_bytes(std::span(part)), "cut");
    REQUIRE_FALSE(file.ok());
    CHECK(file.status().code() == Code::corrupt_file);
  }
}

TEST_CASE("load_network: a NaN weight is named") {
  TensorMap tensors = tensors_of(tiny_description());
  tensors["blocks.0.mlp.fc1.bias"].values[3] = std::bit_cast<float>(0x7fc00000u);
  check_load_fails(load_tiny(tensors), Code::corrupt_file, {"'blocks.0.mlp.fc1.bias'", "NaN", "element 3"});
}

TEST_CASE("load_network: the description comes from the config and the tensors") {
  const auto network = load_tiny(tensors_of(tiny_description()));
  REQUIRE(network.ok());
  const VitDescription& vit = network.value().description;
  CHECK(vit.architecture == "tiny");
  CHECK(vit.embed_dim == 16);
  CHECK(vit.depth == 1);
  CHECK(vit.num_heads == 2);
  CHECK(vit.mlp_dim == 32);
  CHECK(vit.num_classes == 5);
  CHECK(vit.tokens() == 5);
  CHECK(vit.preprocessing.height == 8);
  CHECK(vit.preprocessing.crop_pct == 0.9);
  CHECK(vit.preprocessing.stddev == std::array<double, 3>{0.25, 0.5, 0.5});
  CHECK(vit.labels == std::vector<std::string>{"a", "b", "c", "d", "e"});
}

TEST_CASE("load_network: the patch embedding is reordered to (y, x, channel), and of bytes") {
  const TensorMap tensors = tensors_of(tiny_description());
  const auto network = load_tiny(tensors);
  REQUIRE(network.ok());
  const FloatLinear& embed = network.value().patch_embed;
  CHECK(embed.in == 48);
  const std::vector<float>& planar = tensors.at("patch_embed.proj.weight").values;
  const Preprocessing& how = network.value().description.preprocessing;
  for (std::size_t out = 0; out < 16; ++out) {
    double bias = tensors.at("patch_embed.proj.bias").values[out];
    for (std::size_t channel = 0; channel < 3; ++channel) {
      for (std::size_t y = 0; y < 4; ++y) {
        for (std::size_t x = 0; x < 4; ++x) {
          const double weight = planar[((out * 3 + channel) * 4 + y) * 4 + x];
          bias -= weight * how.mean[channel] / how.stddev[channel];
          REQUIRE(embed.weight[out * 48 + (y * 4 + x) * 3 + channel] ==
                  doctest::Approx(weight / 255 / how.stddev[channel]));
        }
      }
    }
    CHECK(embed.bias[out] == doctest::Approx(bias).epsilon(1e-5));
  }
}

TEST_CASE("load_network: prefix tokens and positions") {
  VitDescription vit = tiny_description();
  vit.register_tokens = 2;
  for (const bool no_embed_class : {false, true}) {
    CAPTURE(no_embed_class);
    vit.no_embed_class = no_embed_class;
    const TensorMap tensors = tensors_of(vit);
    const auto network = load_tiny(tensors);
    REQUIRE(network.ok());
    CHECK(network.value().description.no_embed_class == no_embed_class);
    const std::vector<float>& init = network.value().token_init;
    const std::vector<float>& positions = tensors.at("pos_embed").values;
    REQUIRE(init.size() == 7 * 16);
    const float class_position = no_embed_class ? 0.0f : positions[5];
    CHECK(init[5] == tensors.at("cls_token").values[5] + class_position);
    const float register_position = no_embed_class ? 0.0f : positions[2 * 16 + 5];
    CHECK(init[2 * 16 + 5] == tensors.at("reg_token").values[16 + 5] + register_position);
    CHECK(init[6 * 16 + 5] == positions[positions.size() - 16 + 5]);
  }
}

TEST_CASE("load_network: layer scale is folded into proj and fc2") {
  VitDescription vit = tiny_description();
  vit.layer_scale = true;
  const TensorMap tensors = tensors_of(vit);
  const auto network = load_tiny(tensors);
  REQUIRE(network.ok());
  const FloatBlock& block = network.value().blocks[0];
  const auto value = [&tensors](const char* name, std::size_t i) { return tensors.at(name).values[i]; };
  CHECK(block.proj.weight[3 * 16 + 7] ==
        value("blocks.0.attn.proj.weight", 3 * 16 + 7) * value("blocks.0.ls1.gamma", 3));
  CHECK(block.proj.bias[3] == value("blocks.0.attn.proj.bias", 3) * value("blocks.0.ls1.gamma", 3));
  CHECK(block.fc2.weight[5 * 32 + 9] == value("blocks.0.mlp.fc2.weight", 5 * 32 + 9) * value("blocks.0.ls2.gamma", 5));
  CHECK(block.fc2.bias[5] == value("blocks.0.mlp.fc2.bias", 5) * value("blocks.0.ls2.gamma", 5));
}

TEST_CASE("load_network: the two heads of a distilled model become one") {
  VitDescription vit = tiny_description();
  vit.distillation_token = true;
  const TensorMap tensors = tensors_of(vit);
  const auto network = load_tiny(tensors);
  REQUIRE(network.ok());
  const FloatLinear& head = network.value().head;
  CHECK(head.in == 32);
  REQUIRE(head.weight.size() == 5 * 32);
  CHECK(head.weight[2 * 32 + 3] == 0.5f * tensors.at("head.weight").values[2 * 16 + 3]);
  CHECK(head.weight[2 * 32 + 16 + 3] == 0.5f * tensors.at("head_dist.weight").values[2 * 16 + 3]);
  CHECK(head.bias[4] == 0.5f * (tensors.at("head.bias").values[4] + tensors.at("head_dist.bias").values[4]));
  CHECK(network.value().token_init.size() == 6 * 16);

  TensorMap plain = tensors_of(tiny_description());
  plain["head_dist.weight"] = tensors.at("head_dist.weight");
  check_load_fails(load_tiny(plain), Code::corrupt_file, {"unexpected 1 (head_dist.weight)"});
}

namespace {

void check_same(const FloatLinear& a, const FloatLinear& b) {
  CHECK(a.out == b.out);
  CHECK(a.in == b.in);
  CHECK(a.weight == b.weight);
  CHECK(a.bias == b.bias);
}

// Of normalised pixels, since libraries normalise differently where a config says nothing.
FloatLinear unfolded_patch_embed(const FloatNetwork& network) {
  const Preprocessing& how = network.description.preprocessing;
  FloatLinear layer = network.patch_embed;
  for (std::size_t i = 0; i < layer.weight.size(); ++i) {
    const std::size_t channel = i % 3;
    layer.bias[i / static_cast<std::size_t>(layer.in)] += static_cast<float>(255 * layer.weight[i] * how.mean[channel]);
    layer.weight[i] *= static_cast<float>(255 * how.stddev[channel]);
  }
  return layer;
}

void check_close(const FloatLinear& a, const FloatLinear& b) {
  REQUIRE(a.weight.size() == b.weight.size());
  REQUIRE(a.bias.size() == b.bias.size());
  for (std::size_t i = 0; i < a.weight.size(); ++i) REQUIRE(a.weight[i] == doctest::Approx(b.weight[i]).epsilon(1e-5));
  for (std::size_t i = 0; i < a.bias.size(); ++i) REQUIRE(a.bias[i] == doctest::Approx(b.bias[i]).epsilon(1e-4));
}

void check_same(const FloatNetwork& a, const FloatNetwork& b) {
  check_close(unfolded_patch_embed(a), unfolded_patch_embed(b));
  CHECK(a.token_init == b.token_init);
  REQUIRE(a.blocks.size() == b.blocks.size());
  for (std::size_t i = 0; i < a.blocks.size(); ++i) {
    check_same(a.blocks[i].qkv, b.blocks[i].qkv);
    check_same(a.blocks[i].proj, b.blocks[i].proj);
    check_same(a.blocks[i].fc1, b.blocks[i].fc1);
    check_same(a.blocks[i].fc2, b.blocks[i].fc2);
    CHECK(a.blocks[i].norm1.gamma == b.blocks[i].norm1.gamma);
    CHECK(a.blocks[i].norm2.beta == b.blocks[i].norm2.beta);
  }
  CHECK(a.norm.gamma == b.norm.gamma);
  check_same(a.head, b.head);
}

// timm's names -> transformers', with `prefix` before all but the classifiers.
TensorMap to_hugging_face(const TensorMap& tensors, const std::string& prefix, const std::string& head) {
  TensorMap renamed;
  for (const auto& [name, tensor] : tensors) {
    if (name.find(".attn.qkv.") != std::string::npos) {
      const std::size_t third = tensor.values.size() / 3;
      std::vector<std::int64_t> shape = tensor.shape;
      shape[0] /= 3;
      int index = 0;
      for (const TensorPart part : {TensorPart::query, TensorPart::key, TensorPart::value}) {
        const auto begin = tensor.values.begin() + static_cast<std::ptrdiff_t>(third) * index++;
        renamed[prefix + hugging_face_name({name, part})] = {shape,
                                                             {begin, begin + static_cast<std::ptrdiff_t>(third)}};
      }
    } else if (name.starts_with("head.")) {
      renamed[head + name.substr(4)] = tensor;
    } else if (name.starts_with("head_dist.")) {
      renamed[hugging_face_name({name})] = tensor;
    } else {
      renamed[prefix + hugging_face_name({name})] = tensor;
    }
  }
  return renamed;
}

constexpr const char* kHuggingFaceConfig = R"({"model_type": "vit", "hidden_size": 16, "num_hidden_layers": 1,
  "num_attention_heads": 2, "intermediate_size": 32, "hidden_act": "gelu_new", "layer_norm_eps": 1e-05,
  "image_size": 8, "patch_size": 4, "id2label": {"0": "a", "1": "b", "2": "c", "3": "d", "4": "e"}})";

}  // namespace

TEST_CASE("load_network: transformers' names give the same network as timm's") {
  const TensorMap tensors = tensors_of(tiny_description());
  const auto expected = load_tiny(tensors);
  REQUIRE(expected.ok());
  for (const char* prefix : {"", "vit.", "deit."}) {
    CAPTURE(prefix);
    TensorMap renamed = to_hugging_face(tensors, prefix, "classifier");
    renamed[std::string(prefix) + "pooler.dense.bias"] = numbered({16}, 9);  // harmless
    const auto network = load_tiny(renamed, kHuggingFaceConfig);
    if (!network.ok()) FAIL(network.status().message());
    check_same(network.value(), expected.value());
    CHECK(network.value().description.layer_norm_eps == 1e-5);
    CHECK(network.value().description.activation == Activation::gelu_tanh);
    CHECK(network.value().description.preprocessing.crop_mode == "squash");
    CHECK(network.value().description.labels.size() == 5);
  }
}

TEST_CASE("load_network: transformers' DeiT with two heads and with one") {
  VitDescription vit = tiny_description();
  vit.distillation_token = true;
  TensorMap tensors = tensors_of(vit);
  const auto expected = load_tiny(tensors);
  REQUIRE(expected.ok());
  std::string config = kHuggingFaceConfig;
  config.replace(config.find("vit"), 3, "deit");
  const auto network = load_tiny(to_hugging_face(tensors, "deit.", "cls_classifier"), config);
  if (!network.ok()) FAIL(network.status().message());
  check_same(network.value(), expected.value());

  tensors.erase("head_dist.weight");
  tensors.erase("head_dist.bias");
  const auto one = load_tiny(to_hugging_face(tensors, "deit.", "classifier"), config);
  REQUIRE(one.ok());
  CHECK(one.value().head.in == 32);
  CHECK(one.value().head.weight[32 + 3] == tensors.at("head.weight").values[16 + 3]);
  CHECK(one.value().head.weight[32 + 16 + 3] == 0.0f);
  CHECK(one.value().head.bias == tensors.at("head.bias").values);
}

TEST_CASE("load_network: transformers' preprocessing") {
  const TempFolder folder;
  folder.write("model.safetensors", safetensors(to_hugging_face(tensors_of(tiny_description()), "vit.", "classifier")));
  folder.write("config.json", kHuggingFaceConfig);
  const auto load = [&folder](const char* config) {
    folder.write("preprocessor_config.json", config);
    const auto network = load_network(folder.path());
    if (!network.ok()) FAIL(network.status().message());
    return network.value().description.preprocessing;
  };
  Preprocessing input = load(R"({"size": {"height": 8, "width": 8}, "resample": 2, "image_mean": [0.1, 0.2, 0.3],
                                 "image_std": [0.5, 0.5, 0.5], "do_normalize": true,
                                 "rescale_factor": 0.00392156862745098})");
  CHECK(input.crop_mode == "squash");
  CHECK(input.crop_pct == 1.0);
  CHECK(input.interpolation == "bilinear");
  CHECK(input.mean == std::array<double, 3>{0.1, 0.2, 0.3});
  input = load(R"({"size": {"shortest_edge": 10}, "crop_size": 8, "do_center_crop": true, "resample": 3})");
  CHECK(input.crop_mode == "center");
  CHECK(static_cast<int>(8 / input.crop_pct) == 10);
  CHECK(input.interpolation == "bicubic");
  input = load(R"({"size": 8, "do_normalize": false})");
  CHECK(input.mean == std::array<double, 3>{0.0, 0.0, 0.0});
  CHECK(input.stddev == std::array<double, 3>{1.0, 1.0, 1.0});
}

TEST_CASE("load_network: sharded checkpoints") {
  const TensorMap tensors = tensors_of(tiny_description());
  TensorMap first, second;
  std::string map;
  for (const auto& [name, tensor] : tensors) {
    TensorMap& shard = name < "c" ? first : second;
    shard[name] = tensor;
    map += (map.empty() ? "\"" : ",\"") + name + "\":\"" + (&shard == &first ? "s-1" : "s-2") + ".safetensors\"";
  }
  const TempFolder folder;
  folder.write("config.json", kTinyConfig);
  folder.write("s-1.safetensors", safetensors(first));
  folder.write("s-2.safetensors", safetensors(second));
  const auto load = [&folder](const std::string& weight_map) {
    folder.write("model.safetensors.index.json", "{\"weight_map\":{" + weight_map + "}}");
    return load_network(folder.path());
  };
  const auto network = load(map);
  if (!network.ok()) FAIL(network.status().message());
  check_same(network.value(), load_tiny(tensors).value());

  check_load_fails(load(R"("a":"../s-1.safetensors")"), Code::corrupt_file, {"'../s-1.safetensors'", "plain name"});
  check_load_fails(load(R"("a":"..")"), Code::corrupt_file, {"plain name"});
  check_load_fails(load(R"("no.such":"s-1.safetensors")"), Code::corrupt_file, {"'no.such'"});
  check_load_fails(load(R"("a":"s-3.safetensors")"), Code::not_found, {"s-3.safetensors"});
  folder.write("s-2.safetensors", safetensors(first));
  check_load_fails(load(map), Code::corrupt_file, {"both hold"});
}

TEST_CASE("load_network: everything that does not fit is in one message") {
  TensorMap tensors = tensors_of(tiny_description());
  tensors.erase("norm.bias");
  tensors.erase("blocks.0.norm2.weight");
  tensors["surprise"] = numbered({3}, 1);
  tensors["head.weight"] = numbered({4, 16}, 1);
  check_load_fails(load_tiny(tensors), Code::corrupt_file,
                   {"missing 2 (blocks.0.norm2.weight, norm.bias)", "unexpected 1 (surprise)",
                    "wrong shape 1 (head.weight is [4, 16], needs [5, 16])"});
  for (int i = 0; i < 20; ++i) tensors["surprise" + std::to_string(i)] = numbered({1}, 1);
  check_load_fails(load_tiny(tensors), Code::corrupt_file, {"unexpected 21 (", ", ...)"});
}

TEST_CASE("load_network: what this version cannot run is refused by name") {
  const auto with = [](const char* name) {
    TensorMap tensors = tensors_of(tiny_description());
    tensors[name] = numbered({16}, 1);
    return load_tiny(tensors);
  };
  check_load_fails(with("norm_pre.weight"), Code::unsupported, {"norm_pre"});
  check_load_fails(with("blocks.0.attn.q_norm.weight"), Code::unsupported, {"qk_norm"});
  check_load_fails(with("blocks.0.mlp.w12.weight"), Code::unsupported, {"SwiGLU"});
  check_load_fails(with("blocks.0.attn.rope.freqs"), Code::unsupported, {"rope"});

  const TensorMap tensors = tensors_of(tiny_description());
  const auto changed = [&tensors](const std::string& from, const std::string& to) {
    std::string config = kTinyConfig;
    config.replace(config.find(from), from.size(), to);
    return load_tiny(tensors, config);
  };
  check_load_fails(changed("8, 8", "12, 12"), Code::unsupported, {"2x2 grid", "3x3 grid", "12x12"});
  check_load_fails(changed("8, 8", "9, 8"), Code::unsupported, {"patch_size 4 does not divide", "9x8"});
  check_load_fails(changed("[3, 8", "[1, 8"), Code::unsupported, {"input_size", "3 channels"});
  check_load_fails(changed("\"num_heads\": 2", "\"num_heads\": 3"), Code::unsupported, {"num_heads 3", "16"});
  check_load_fails(changed("\"num_classes\": 5", "\"num_classes\": 0"), Code::unsupported, {"no classification head"});
  check_load_fails(changed("0.9", "-1"), Code::corrupt_file, {"crop_pct is -1"});
  check_load_fails(changed("\"tiny\"", "[[[]]]"), Code::corrupt_file, {"architecture is a list"});
  check_load_fails(load_tiny(tensors, std::string(100000, '[')), Code::corrupt_file, {"config.json", "deep"});
  check_load_fails(load_tiny(tensors, R"({"architecture":"a","architecture":"b"})"), Code::corrupt_file, {"twice"});
  check_load_fails(load_tiny({{"x", numbered({1}, 1)}}, R"({"architecture":"deit_tinny_patch16_224.fb_in1k"})"),
                   Code::unsupported, {"did you mean deit_tiny_patch16_224?"});
}

TEST_CASE("load_network: a bare file, with and without an architecture in its metadata") {
  const TempFolder folder;
  const TensorMap tensors = tensors_of(tiny_description());
  folder.write("bare.safetensors", safetensors(tensors));
  std::vector<std::string> notes;
  check_load_fails(load_network(folder.file("bare.safetensors"), &notes), Code::unsupported, {"num_heads"});

  VitDescription vit = *describe_architecture("vit_demo_patch8_64");
  vit.depth = 6;
  folder.write("demo.safetensors", safetensors(tensors_of(vit), R"({"architecture":"vit_demo_patch8_64"})"));
  folder.write("labels.txt", "one\r\ntwo\n");
  notes.clear();
  const auto network = load_network(folder.file("demo.safetensors"), &notes);
  if (!network.ok()) FAIL(network.status().message());
  CHECK(network.value().description.num_heads == 3);
  CHECK(network.value().description.preprocessing.crop_pct == 0.9);
  CHECK(network.value().description.preprocessing.mean == std::array<double, 3>{0.5, 0.5, 0.5});
  REQUIRE(notes.size() == 1);
  CHECK(contains(notes[0], "2 labels for 16 classes"));
}

TEST_CASE("architectures: every line is consistent and known by its name") {
  for (const Architecture& architecture : architectures()) {
    CAPTURE(architecture.name);
    CHECK(find_architecture(architecture.name) == &architecture);  // no name twice
    CHECK(architecture.embed_dim % architecture.num_heads == 0);
    CHECK(architecture.image_size % architecture.patch_size == 0);
    const VitDescription vit = to_description(architecture);
    CHECK((vit.class_token || vit.pooling == Pooling::average));
  }
  CHECK(find_architecture("deit_tiny_patch16_224.fb_in1k") != nullptr);
  CHECK(describe_architecture("vit_giant_patch14_224")->mlp_dim == 6144);
  CHECK(describe_architecture("vit_gigantic_patch14_224")->mlp_dim == 8192);
  CHECK(describe_architecture("deit3_base_patch16_224")->no_embed_class);
  CHECK(nearest_architecture("vit_bas_patch16_224") == "vit_base_patch16_224");
  CHECK(nearest_architecture("resnet50").empty());
}
