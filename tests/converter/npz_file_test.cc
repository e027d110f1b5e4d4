// Checkpoints of numpy.savez and savez_compressed, written by a small writer here, and what must be refused: other
// numbers, files that lie about their sizes, streams that are not what their directory says.
#include "converter/read/npz_file.h"

#include <doctest/doctest.h>

#include "converter/read/zip_checkpoint.h"
#include "tests/converter/checkpoints.h"
#include "tests/converter/zip_writer.h"

using namespace intvit;
using checkpoints::contains;
using checkpoints::little;
using checkpoints::zip;
using checkpoints::ZipItem;

namespace {

template <typename T>
std::string raw(const std::vector<T>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

std::string npy_of(const std::string& type, const std::string& shape, const std::string& data,
                   const std::string& fortran = "False") {
  std::string text = "{'descr': '" + type + "', 'fortran_order': " + fortran + ", 'shape': " + shape + ", }";
  text += std::string(63 - (10 + text.size()) % 64, ' ') + '\n';
  return "\x93NUMPY\x01" + std::string(1, '\0') + little(text.size(), 2) + text + data;
}

Result<SafetensorsFile> opened_npz(const std::string& file) {
  return open_zip_checkpoint({reinterpret_cast<const std::uint8_t*>(file.data()), file.size()}, "x.npz");
}

// The message with which an array is refused, on opening or on reading it.
std::string refusal(const ZipItem& item) {
  const std::string bytes = zip({item});
  const auto file = opened_npz(bytes);
  if (!file.ok()) return file.status().message();
  const auto values = file.value().read("a");
  return values.ok() ? "not refused" : values.status().message();
}

const std::vector<float> kSix = {1, 2, 3, 4, 5, 6};

}  // namespace

TEST_CASE("npz: arrays of every float, stored and compressed, in both orders") {
  for (const int method : {0, 8}) {
    CAPTURE(method);
    const std::string in_columns = raw<float>({1, 4, 2, 5, 3, 6});
    const std::string bytes = zip({
        {"a.npy", npy_of("<f4", "(2, 3)", raw(kSix)), method},
        {"deep/b.weight.npy", npy_of("<f8", "(3,)", raw<double>({0.1, -2, 0})), method},
        {"h.npy", npy_of("<f2", "(2,)", raw<std::uint16_t>({0x3c00, 0xc000})), method},
        {"f.npy", npy_of("<f4", "(2, 3)", in_columns, "True"), method},
        {"f3.npy", npy_of("<f4", "(1, 3, 2)", in_columns, "True"), method},
        {"none.npy", npy_of("<f4", "(2, 0)", "", "True"), method},
        {"scalar.npy", npy_of("<f4", "()", raw<float>({7})), method},
        {"index.npy", npy_of("<i8", "(1,)", raw<std::int64_t>({7})), method},
        {"name.npy", npy_of("<U2", "()", "abcdefgh"), method},
        {"README", "not an array", method},
    });
    const auto file = opened_npz(bytes);
    REQUIRE_MESSAGE(file.ok(), file.status().message());
    CHECK(file.value().tensors().size() == 9);
    CHECK(file.value().find("a")->shape == std::vector<std::int64_t>{2, 3});
    CHECK(file.value().read("a").value() == kSix);
    CHECK(file.value().read("deep/b.weight").value() == std::vector<float>{0.1F, -2, 0});
    CHECK(file.value().read("h").value() == std::vector<float>{1, -2});
    CHECK(file.value().read("f").value() == kSix);
    CHECK(file.value().read("f3").value() == std::vector<float>{1, 5, 4, 3, 2, 6});
    CHECK(file.value().read("none").value().empty());
    CHECK(file.value().read("scalar").value() == std::vector<float>{7});
    CHECK(file.value().find("index")->dtype == "I64");
    CHECK(contains(file.value().read("name").status().message(), "'<U2'"));
  }
}

TEST_CASE("npz: NumPy's own files") {
  for (const char* name : {"numpy.npz", "numpy_compressed.npz"}) {
    CAPTURE(name);
    const auto file = SafetensorsFile::open_any(std::string(INTVIT_GOLDEN_DIR) + "/checkpoints/" + name);
    REQUIRE_MESSAGE(file.ok(), file.status().message());
    CHECK(file.value().tensors().size() == 5);
    const std::vector<float> values = {0, 1, 2, 3, 4, 5};
    for (const char* tensor : {"a", "columns", "half"}) CHECK(file.value().read(tensor).value() == values);
    CHECK(file.value().read("double").value() == std::vector<float>{0, 0.1F, 0.2F, 0.3F, 0.4F, 0.5F});
    CHECK(file.value().find("columns")->shape == std::vector<std::int64_t>{2, 3});
    CHECK(file.value().find("number")->dtype == "I64");
  }
}

TEST_CASE("npz: what cannot be read is named, with what to do") {
  CHECK(contains(refusal({"a.npy", npy_of(">f4", "(6,)", raw(kSix))}), ".astype('<f4')"));
  CHECK(contains(refusal({"a.npy", npy_of("|O", "()", "pickle")}), "'|O'"));
  CHECK(contains(refusal({"a.npy", npy_of("<c8", "(3,)", raw(kSix))}), "type '<c8'; weights must be F32"));
  CHECK(contains(refusal({"a.npy", npy_of("<i4", "(6,)", raw(kSix))}), "type 'I32'; weights must be F32"));
  CHECK(contains(refusal({"a.npy", npy_of("<f8", "()", raw<double>({1e300}))}), "an infinity"));
  CHECK(contains(refusal({"a.npy", "text"}), "write it with numpy.savez"));
  CHECK(contains(refusal({"a.npy", npy_of("<f4", "(5,)", raw(kSix))}), "[5], but 24 bytes"));
  CHECK(contains(refusal({"a.npy", npy_of("<f4", "(4294967296, 4294967296, 4)", "")}), "but 0 bytes"));
  CHECK(contains(refusal({"a.npy", npy_of("<f4", "(6,)", raw(kSix)), 12}), "another method than deflate"));
  CHECK(contains(refusal({"Transformer/encoderblock_0/x.npy", npy_of("<f4", "(6,)", raw(kSix))}), "checkpoint_path"));
  for (const int method : {0, 8}) {
    CHECK(contains(refusal({"a.npy", npy_of("<f4", "(6,)", raw(kSix)), method, -1, 1}), "another checksum"));
  }
}

TEST_CASE("npz: a stream makes no more memory than the array's shape, and no less") {
  const std::string bomb = npy_of("<f4", "(4000000,)", std::string(16000000, '\0'));
  const auto whole = static_cast<std::int64_t>(bomb.size());
  CHECK(refusal({"a.npy", bomb, 8}) == "not refused");
  CHECK(contains(refusal({"a.npy", npy_of("<f4", "(6,)", std::string(16000000, '\0')), 8}), "but 16000000 bytes"));
  CHECK(contains(refusal({"a.npy", npy_of("<f4", "(6,)", std::string(16000000, '\0')), 8, 152}), "goes on behind"));
  CHECK(contains(refusal({"a.npy", npy_of("<f4", "(4000000,)", "1234"), 8, whole}), "claims 16000128 bytes"));
  const std::string cut = bomb.substr(0, bomb.size() - 4);
  CHECK(contains(refusal({"a.npy", cut, 8, whole}), "ends early"));
  // One array that two names share.
  const std::string one = npy_of("<f4", "(1000,)", std::string(4000, 'x'));
  std::string shared = zip({{"a.npy", one}, {"b.npy", ""}});
  const std::size_t second = shared.rfind("PK\x01\x02");
  shared.replace(second + 20, 8, little(one.size(), 4) + little(one.size(), 4));
  const auto overlapping = opened_npz(shared.replace(second + 42, 4, little(0, 4)));
  REQUIRE_FALSE(overlapping.ok());
  CHECK(contains(overlapping.status().message(), "its entries overlap"));
}

TEST_CASE("npz: files that are cut or changed give a Status") {
  for (const int method : {0, 8}) {
    const std::string good = zip({{"a.npy", npy_of("<f4", "(2, 3)", raw(kSix)), method}});
    REQUIRE(opened_npz(good).ok());
    const auto cut = [](const std::string& bad) { CHECK_FALSE(opened_npz(bad).ok()); };
    checkpoints::damage(good, cut, [](const std::string& bad) {
      const auto file = opened_npz(bad);
      if (!file.ok()) return;
      // The checksum holds, so that the values are those that were written.
      const auto values = file.value().read("a");
      if (values.ok() && file.value().find("a")->dtype == "F32") CHECK(values.value() == kSix);
    });
  }
}

TEST_CASE("npz: a file and a folder convert as safetensors do") {
  const checkpoints::TensorMap tensors = checkpoints::tensors_of(checkpoints::tiny_description());
  std::vector<ZipItem> items;
  for (const auto& [name, stored] : tensors) {
    std::string shape = "(";
    for (const std::int64_t n : stored.shape) shape += std::to_string(n) + ", ";
    items.push_back({name + ".npy", npy_of("<f4", shape + ")", raw(stored.values)), items.size() % 2 == 0 ? 8 : 0});
  }
  checkpoints::TempFolder folder;
  folder.write("config.json", checkpoints::kTinyConfig);
  folder.write("model.npz", zip(items));
  const Result<FloatNetwork> expected = checkpoints::load_tiny(tensors);
  REQUIRE(expected.ok());
  for (const std::string& path : {folder.path(), folder.file("model.npz")}) {
    CAPTURE(path);
    const Result<FloatNetwork> network = load_network(path);
    REQUIRE_MESSAGE(network.ok(), network.status().message());
    checkpoints::check_same(network.value(), expected.value());
  }
}
