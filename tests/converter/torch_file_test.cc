// Checkpoints of torch.save, written by a small writer here, and what must be refused: anything that a pickle could do
// beside naming tensors, and files that lie about their sizes.
#include "converter/read/torch_file.h"

#include <doctest/doctest.h>

#include <cstring>

#include "converter/read/checkpoint.h"
#include "converter/read/zip_checkpoint.h"
#include "tests/converter/checkpoints.h"
#include "tests/converter/zip_writer.h"

using namespace intvit;
using checkpoints::contains;
using checkpoints::little;
using checkpoints::zip;
using checkpoints::ZipItem;

namespace {

std::string text(const std::string& s) { return "X" + little(s.size(), 4) + s; }
std::string integer(std::int64_t n) { return "J" + little(static_cast<std::uint64_t>(n), 4); }
std::string tuple(const std::vector<std::int64_t>& numbers) {
  std::string all = "(";
  for (const std::int64_t n : numbers) all += integer(n);
  return all + "t";
}

std::string tensor(const std::string& key, const std::vector<std::int64_t>& shape,
                   const std::vector<std::int64_t>& strides, int offset = 0, const std::string& type = "FloatStorage") {
  return "ctorch._utils\n_rebuild_tensor_v2\n((" + text("storage") + "ctorch\n" + type + "\n" + text(key) +
         text("cpu") + integer(4) + "tQ" + integer(offset) + tuple(shape) + tuple(strides) + "\x89" +
         "ccollections\nOrderedDict\n)RtR";
}

// A state_dict of items "key value key value".
std::string pickle(const std::string& items) {
  return "\x80\x02" + ("ccollections\nOrderedDict\n)Rq" + std::string(1, '\0')) + "(" + items + "u.";
}

std::string floats(const std::vector<float>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float)};
}

std::string torch_file(const std::string& program, const std::vector<ZipItem>& storages) {
  std::vector<ZipItem> entries = {{"archive/data.pkl", program}, {"archive/byteorder", "little"}};
  for (const ZipItem& e : storages) {
    entries.push_back(e);
    entries.back().name = "archive/data/" + e.name;
  }
  return zip(entries);
}

// `file` must outlive what is returned.
Result<SafetensorsFile> opened(const std::string& file) {
  return open_zip_checkpoint({reinterpret_cast<const std::uint8_t*>(file.data()), file.size()}, "x.pth");
}

void refuse(const std::string& program, Code code, const std::string& part) {
  const auto file = opened(torch_file(program, {{"0", floats({1, 2, 3, 4})}}));
  REQUIRE_FALSE(file.ok());
  CAPTURE(file.status().message());
  CHECK(file.status().code() == code);
  CHECK(contains(file.status().message(), part));
}

std::string simple() { return pickle(text("a") + tensor("0", {2, 2}, {2, 1})); }

}  // namespace

TEST_CASE("torch.save: tensors, their parts of storages and their types") {
  const std::string halves("\x00\x3c\x00\xc0", 4);  // 1, -2
  const std::string bytes =
      torch_file(pickle(text("a") + tensor("0", {2, 2}, {2, 1}) + text("b") + tensor("0", {1, 2}, {77, 1}, 1) +
                        text("c") + tensor("1", {2}, {1}, 0, "HalfStorage") + text("step") + integer(7) +
                        text("scalar") + tensor("0", {}, {}, 3)),
                 {{"0", floats({1, 2, 3, 4})}, {"1", halves}});
  const auto file = opened(bytes);
  REQUIRE_MESSAGE(file.ok(), file.status().message());
  CHECK(file.value().tensors().size() == 4);
  CHECK(file.value().find("a")->shape == std::vector<std::int64_t>{2, 2});
  CHECK(file.value().read("a").value() == std::vector<float>{1, 2, 3, 4});
  CHECK(file.value().read("b").value() == std::vector<float>{2, 3});
  CHECK(file.value().read("c").value() == std::vector<float>{1, -2});
  CHECK(file.value().read("scalar").value() == std::vector<float>{4});
  // Inside of a checkpoint of a training run.
  const std::string inner = "}(" + text("a") + tensor("0", {4}, {1}) + "u";
  const std::string run =
      torch_file("\x80\x02}(" + text("epoch") + integer(3) + text("lr") + "G12345678" + text("model") + inner + "u.",
                 {{"0", floats({1, 2, 3, 4})}});
  const auto wrapped = opened(run);
  REQUIRE_MESSAGE(wrapped.ok(), wrapped.status().message());
  CHECK(wrapped.value().read("a").value().size() == 4);
}

TEST_CASE("torch.save: nothing is executed, and what is not known is named") {
  refuse(
      "\x80\x02"
      "cos\nsystem\n" +
          text("echo") + "\x85R.",
      Code::unsupported, "'os.system'");
  refuse(
      "\x80\x02"
      "cbuiltins\neval\n" +
          text("1") + "\x85R.",
      Code::unsupported, "'builtins.eval'");
  refuse(
      "\x80\x02"
      "cargparse\nNamespace\n)R.",
      Code::unsupported, "torch.save(model.state_dict(), FILE)");
  refuse(
      "\x80\x02"
      "i__main__\nx\n.",
      Code::unsupported, "instruction 105");
  refuse(
      "\x80\x04"
      "}.",
      Code::unsupported, "protocol 4");
  refuse(
      "\x80\x02"
      "}.",
      Code::unsupported, "no dictionary of tensors");
  refuse("\x80\x02" + text("torch") + ")R.", Code::corrupt_file, "calls what is no function");
  refuse(
      "\x80\x02"
      "ctorch\nFloatStorage\n)R.",
      Code::corrupt_file, "unknown arguments");
  refuse(pickle(text("a") + tensor("0", {2, 2}, {1, 2})), Code::corrupt_file, ".contiguous()");
  refuse(pickle(text("a") + tensor("0", {5}, {1})), Code::corrupt_file, "its storage has 4 elements");
  refuse(pickle(text("a") + tensor("0", {4}, {1}, 1)), Code::corrupt_file, "its storage has 4 elements");
  refuse(pickle(text("a") + tensor("0", {1 << 30, 1 << 30, 1 << 30}, {1, 1, 1})), Code::corrupt_file, "contiguous");
  refuse(pickle(text("a") + tensor("7", {4}, {1})), Code::corrupt_file, "no storage in the file");
  refuse(pickle(text("a") + tensor("0", {4}, {1}, 0, "QInt8Storage")), Code::corrupt_file, "'QInt8Storage'");
  refuse(pickle(text("a") + tensor("0", {4}, {1}) + text("a") + tensor("0", {4}, {1})), Code::corrupt_file, "twice");
  std::string many;
  for (int i = 0; i < 20000; ++i)
    many += text("t" + std::to_string(i)) + (i == 0 ? tensor("0", {1000}, {1}) + "q\x07" : "h\x07");
  const auto bomb = opened(torch_file(pickle(many), {{"0", std::string(4000, '\0')}}));
  REQUIRE_FALSE(bomb.ok());
  CHECK(contains(bomb.status().message(), "overlap"));
  // Nested 100000 deep, and inside of itself.
  refuse("\x80\x02" + std::string(100000, ']') + std::string(99999, 'a') + ".", Code::unsupported, "no dictionary");
  refuse("\x80\x02}q\x01" + text("x") + "h\x01" + "s.", Code::unsupported, "no dictionary");
}

TEST_CASE("torch.save: files that are cut or changed give a Status") {
  const std::string good = torch_file(simple(), {{"0", floats({1, 2, 3, 4})}});
  REQUIRE(opened(good).ok());
  const auto cut = [](const std::string& bad) { CHECK_FALSE(opened(bad).ok()); };
  checkpoints::damage(good, cut, [&](const std::string& bad) {
    const auto file = opened(bad);
    if (!file.ok()) return;
    for (const TensorInfo& info : file.value().tensors()) {
      const auto values = file.value().read(info.name);
      CHECK((!values.ok() || values.value().size() * 2 <= good.size()));
    }
  });
  const auto packed = opened(zip({{"archive/data.pkl", simple(), 8}}));
  REQUIRE_FALSE(packed.ok());
  CHECK(contains(packed.status().message(), "'archive/data.pkl' is compressed"));
  const auto changed = opened(torch_file(simple(), {{"0", floats({1, 2, 3, 4}), 0, -1, 1}}));
  REQUIRE_FALSE(changed.ok());
  CHECK(contains(changed.status().message(), "'archive/data/0' has another checksum"));
  // torch.serialization.set_crc32_options(False) writes zeros.
  const std::string values = floats({1, 2, 3, 4});
  const auto crc = static_cast<std::uint32_t>(crc32(0, reinterpret_cast<const Bytef*>(values.data()), 16));
  CHECK(opened(torch_file(simple(), {{"0", values, 0, -1, crc}})).ok());
}

TEST_CASE("torch.save: a file, a folder and shards convert as safetensors do") {
  const checkpoints::TensorMap tensors = checkpoints::tensors_of(checkpoints::tiny_description());
  std::string items[2], map;
  std::vector<ZipItem> storages[2];
  int number = 0;
  for (const auto& [name, stored] : tensors) {
    std::vector<std::int64_t> strides(stored.shape.size(), 1);
    for (std::size_t i = strides.size(); i > 1; --i) strides[i - 2] = strides[i - 1] * stored.shape[i - 1];
    const int shard = number % 2;
    items[shard] += text(name) + tensor(std::to_string(number), stored.shape, strides);
    storages[shard].push_back({std::to_string(number++), floats(stored.values)});
    map += (map.empty() ? "\"" : ", \"") + name + "\": \"s" + std::to_string(shard) + ".bin\"";
  }
  checkpoints::TempFolder folder, shards;
  std::vector<ZipItem> all = storages[0];
  all.insert(all.end(), storages[1].begin(), storages[1].end());
  folder.write("config.json", checkpoints::kTinyConfig);
  folder.write("pytorch_model.bin", torch_file(pickle(items[0] + items[1]), all));
  shards.write("config.json", checkpoints::kTinyConfig);
  shards.write("pytorch_model.bin.index.json", "{\"weight_map\": {" + map + "}}");
  for (int s : {0, 1}) shards.write("s" + std::to_string(s) + ".bin", torch_file(pickle(items[s]), storages[s]));
  const Result<FloatNetwork> expected = checkpoints::load_tiny(tensors);
  REQUIRE(expected.ok());
  for (const std::string& path : {folder.path(), folder.file("pytorch_model.bin"), shards.path()}) {
    CAPTURE(path);
    const Result<FloatNetwork> network = load_network(path);
    REQUIRE_MESSAGE(network.ok(), network.status().message());
    CHECK(network.value().nodes.size() == expected.value().nodes.size());
    for (std::size_t n = 0; n < network.value().nodes.size(); ++n) {
      const FloatLinear* a = network.value().nodes[n].weights();
      if (a != nullptr) CHECK(a->weight == expected.value().nodes[n].weights()->weight);
    }
  }
  folder.write("pytorch_model.bin", "\x80\x02}q\x01.");
  const Result<FloatNetwork> old = load_network(folder.path());
  CHECK(old.status().code() == Code::unsupported);
  CHECK(contains(old.status().message(), "PyTorch before 1.6"));
}
