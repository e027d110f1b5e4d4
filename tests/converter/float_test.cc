// The float network against a naive double-precision one and against PyTorch's logits, its observers, and the small
// tools around it: picture lists, .npy files, accuracy.
#include <doctest/doctest.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "converter/families/load_network.h"
#include "converter/float/forward.h"
#include "converter/float/layers.h"
#include "converter/float/parallel.h"
#include "converter/lower/input_geometry.h"
#include "converter/observe/picture_source.h"
#include "converter/read/npy_file.h"
#include "intvit/picture.h"
#include "tests/converter/float_reference.h"
#include "tests/converter/network_parts.h"
#include "tools/common/pictures/picture_list.h"
#include "tools/common/results/accuracy.h"
#include "tools/common/results/npy.h"

namespace intvit {
namespace {

// 24 x 16 pixels: 3 x 2 patches, so that mixing up height and width shows.
VitDescription tiny_vit() {
  VitDescription vit;
  vit.patch_size = 8;
  vit.embed_dim = 16;
  vit.depth = 2;
  vit.num_heads = 2;
  vit.mlp_dim = 40;
  vit.num_classes = 7;
  vit.preprocessing.height = 24;
  vit.preprocessing.width = 16;
  return vit;
}

std::vector<std::uint8_t> random_pixels(const FloatNetwork& network) {
  std::mt19937 random(7);
  std::vector<std::uint8_t> pixels(picture_bytes(network));
  for (std::uint8_t& pixel : pixels) pixel = static_cast<std::uint8_t>(random() & 0xff);
  return pixels;
}

std::vector<float> run(const FloatNetwork& network, int threads = 1, Observer* observer = nullptr) {
  FloatForward forward(network, threads);
  return judged_output(forward, network, random_pixels(network).data(), observer);
}

void check_against_reference(const VitDescription& vit) {
  const FloatNetwork network = float_reference::random_network(vit, 1);
  const std::vector<float> logits = run(network);
  const std::vector<std::uint8_t> pixels = random_pixels(network);
  const float_reference::Row expected = float_reference::Reference(network, pixels.data()).output(0);
  REQUIRE(logits.size() == expected.size());
  double largest = 0.0, difference = 0.0;
  for (std::size_t i = 0; i < logits.size(); ++i) {
    largest = std::max(largest, std::fabs(expected[i]));
    difference = std::max(difference, std::fabs(logits[i] - expected[i]));
  }
  CHECK(largest > 0.1);
  CHECK(difference <= 1e-4 * largest);
  CHECK(run(network, 3) == logits);
}

struct SeenTensor {
  std::string name;
  int rows, columns;
  bool operator==(const SeenTensor&) const = default;
};

struct Recorder : Observer {
  explicit Recorder(const FloatNetwork& n) : network(n) {}
  void on_activation(TensorId tensor, float*, int rows, int columns) override {
    seen.push_back({network.at(tensor).name, rows, columns});
  }
  const FloatNetwork& network;
  std::vector<SeenTensor> seen;
};

// Sets one tensor to a constant.
struct Replacer : Observer {
  TensorId target;
  float value;
  Replacer(TensorId tensor, float v) : target(tensor), value(v) {}
  void on_activation(TensorId tensor, float* data, int rows, int columns) override {
    if (tensor == target) std::fill_n(data, static_cast<std::size_t>(rows) * columns, value);
  }
};

// A folder that goes when the test does.
struct TemporaryFolder {
  std::filesystem::path path =
      std::filesystem::temp_directory_path() / ("intvit_float_test_" + std::to_string(::getpid()));
  TemporaryFolder() { std::filesystem::create_directories(path); }
  ~TemporaryFolder() { std::filesystem::remove_all(path); }
  std::string write(const std::string& name, const std::string& text) const {
    std::filesystem::create_directories((path / name).parent_path());
    std::ofstream(path / name, std::ios::binary) << text;
    return (path / name).string();
  }
};

}  // namespace

TEST_CASE("float network equals a naive one in double precision") {
  VitDescription vit = tiny_vit();
  SUBCASE("class token") {}
  SUBCASE("class token and registers") { vit.register_tokens = 3; }
  SUBCASE("distilled") { vit.distillation_token = true; }
  SUBCASE("average") { vit.pooling = Pooling::average; }
  SUBCASE("average without class token") { vit.pooling = Pooling::average, vit.class_token = false; }
  SUBCASE("average, norm after pooling") { vit.pooling = Pooling::average, vit.fc_norm = true; }
  SUBCASE("tanh") { vit.activation = Activation::gelu_tanh; }
  SUBCASE("quick") { vit.activation = Activation::quick_gelu; }
  SUBCASE("relu") { vit.activation = Activation::relu; }
  SUBCASE("silu") { vit.activation = Activation::silu; }
  SUBCASE("gated") { vit.activation = Activation::silu, vit.gated_mlp = true; }
  SUBCASE("large eps") { vit.layer_norm_eps = 0.1; }
  SUBCASE("several tasks per layer and head") {
    vit.embed_dim = 208;
    vit.preprocessing.height = 8 * 35;
    vit.preprocessing.width = 8 * 3;
  }
  check_against_reference(vit);
}

TEST_CASE("activations and softmax are as accurate as floats allow") {
  const OneThreadPerTask one_thread_per_task;
  std::vector<float> x, y;
  for (int i = -4000; i <= 4000; ++i) x.push_back(static_cast<float>(i) / 200.0f);
  x.insert(x.end(), {-1e30f, -1e4f, 1e4f, 1e30f});
  y.resize(x.size());
  for (Activation kind :
       {Activation::gelu_erf, Activation::gelu_tanh, Activation::quick_gelu, Activation::relu, Activation::silu}) {
    activate(kind, x.data(), static_cast<int>(x.size()), y.data(), 2);
    double worst = 0.0;
    for (std::size_t i = 0; i < x.size(); ++i) {
      const double difference = std::fabs(y[i] - float_reference::activate(kind, x[i]));
      worst = std::max(worst, difference / (1.0 + std::fabs(x[i])));
    }
    CHECK(worst < 2e-7);
  }
  std::vector<float> row = {1000.0f, 999.0f, -1e30f, 900.0f};
  softmax_rows(row.data(), 1, 4);
  CHECK(row[0] == doctest::Approx(1.0 / (1.0 + std::exp(-1.0))).epsilon(1e-6));
  CHECK(row[2] < 1e-37f);
}

TEST_CASE("observers see every tensor once, in the order of execution, with its shape") {
  VitDescription vit = tiny_vit();
  vit.distillation_token = true;
  const FloatNetwork network = float_reference::random_network(vit, 2);
  Recorder recorder(network);
  CHECK(run(network, 2, &recorder) == run(network, 1));
  const int tokens = 8, channels = 16;
  std::vector<SeenTensor> expected = {{"patch_embed.input", 6, 192}, {"patch_embed.residual", tokens, channels}};
  for (const std::string block : {"blocks.0.", "blocks.1."}) {
    for (const char* name : {"attn.qkv.input", "attn.query", "attn.key", "attn.value"}) {
      expected.push_back({block + name, tokens, channels});
    }
    expected.push_back({block + "attn.post_softmax", 2 * tokens, tokens});
    for (const char* name : {"attn.proj.input", "attn.residual", "mlp.fc1.input"}) {
      expected.push_back({block + name, tokens, channels});
    }
    expected.push_back({block + "mlp.fc1.output", tokens, vit.mlp_dim});
    expected.push_back({block + "mlp.fc2.input", tokens, vit.mlp_dim});
    expected.push_back({block + "residual", tokens, channels});
  }
  expected.push_back({"head.input", 2, channels});
  expected.push_back({"logits", 1, vit.num_classes});
  CHECK(recorder.seen == expected);
  CHECK(expected.size() == network.tensors.size());
}

TEST_CASE("what an observer writes is what the network goes on with") {
  const FloatNetwork network = float_reference::random_network(tiny_vit(), 3);
  Replacer zero_head(tensor_of(network, "head.input"), 0.0f);
  CHECK(run(network, 1, &zero_head) == linear_of(network, "head").bias);
  Replacer constant_logits(tensor_of(network, "logits"), 2.5f);
  CHECK(run(network, 1, &constant_logits) == std::vector<float>(7, 2.5f));
  const std::vector<float> untouched = run(network);
  for (TensorId id = 0; id < static_cast<TensorId>(network.tensors.size()); ++id) {
    Replacer replacer(id, 0.25f);
    CAPTURE(network.at(id).name);
    CHECK(run(network, 1, &replacer) != untouched);
  }
}

TEST_CASE("picture lists") {
  const TemporaryFolder folder;
  const std::string list = folder.write("sub/list.txt",
                                        "\xEF\xBB\xBF# comment\r\n\r\na.jpg 3\r\n  with blank.png\t0  \n"
                                        "/absolute/c.bmp 12\nno_label.jpg");
  const auto pictures = read_picture_list(list, 12);
  REQUIRE_MESSAGE(pictures.ok(), pictures.status().message());
  REQUIRE(pictures.value().size() == 4);
  CHECK(pictures.value()[0].path == (folder.path / "sub/a.jpg").string());
  CHECK(pictures.value()[0].label == 3);
  CHECK(pictures.value()[1].path == (folder.path / "sub/with blank.png").string());
  CHECK(pictures.value()[1].label == 0);
  CHECK(pictures.value()[2].path == "/absolute/c.bmp");
  CHECK(pictures.value()[3].label == -1);

  for (const char* bad : {"a.jpg x", "a.jpg -1", "a.jpg 13", "a.jpg 1.5", "a.jpg 99999999999999999999", "a.jpg 1x"}) {
    const auto result = read_picture_list(folder.write("bad.txt", "ok.jpg 1\n\n" + std::string(bad)), 12);
    REQUIRE(!result.ok());
    CHECK(result.status().message().find("bad.txt:3: ") != std::string::npos);
    CHECK(result.status().message().find("0..12") != std::string::npos);
  }
  CHECK(read_picture_list((folder.path / "missing").string()).status().code() == Code::not_found);
  CHECK(!read_picture_list(folder.write("empty.txt", "# nothing\n\n")).ok());
  CHECK(!read_picture_list(folder.write("binary.txt", std::string("\xFF\xD8\0\0", 4))).ok());
}

TEST_CASE("a folder is a picture list") {
  const TemporaryFolder folder;
  CHECK(read_picture_list(folder.path.string()).status().code() == Code::not_found);
  for (const char* name : {"b.PNG", "a/z.jpeg", "a/y.bmp", "c.jpg", "notes.txt", "d.jpg.bak"}) folder.write(name, "");
  const auto pictures = read_picture_list(folder.path.string());
  REQUIRE(pictures.ok());
  std::vector<std::string> names;
  for (const LabelledPicture& picture : pictures.value()) {
    names.push_back(std::filesystem::path(picture.path).lexically_relative(folder.path).string());
    CHECK(picture.label == -1);
  }
  CHECK(names == std::vector<std::string>{"a/y.bmp", "a/z.jpeg", "b.PNG", "c.jpg"});
}

TEST_CASE("npy files") {
  const TemporaryFolder folder;
  const std::string path = (folder.path / "m.npy").string();
  const std::vector<float> data = {1.5f, -0.0f, 3e38f, 1e-45f, std::numeric_limits<float>::infinity(), 6.0f};
  NpyMatrix written(3);
  written.add_row(std::span(data).first(3));
  written.add_row(std::span(data).last(3));
  REQUIRE(written.write(path).ok());
  const auto matrix = read_npy(path);
  REQUIRE_MESSAGE(matrix.ok(), matrix.status().message());
  CHECK(matrix.value().rows == 2);
  CHECK(matrix.value().cols == 3);
  CHECK(matrix.value().data == data);
  CHECK(std::distance(std::filesystem::directory_iterator(folder.path), {}) == 1);  // no temporary file left
  CHECK(!written.write((folder.path / "none/m.npy").string()).ok());

  const auto with_header = [&](std::string header, std::size_t body) {
    header.resize(118, ' ');
    const std::string start = std::string("\x93NUMPY\x01\x00", 8) + std::string("\x76\x00", 2);
    return read_npy(folder.write("h.npy", start + header + std::string(body, 'x'))).ok();
  };
  CHECK(with_header("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }", 24));
  CHECK(!with_header("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }", 20));
  CHECK(!with_header("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }", 28));
  CHECK(!with_header("{'descr': '<f4', 'fortran_order': False, 'shape': (6,), }", 24));
  CHECK(!with_header("{'descr': '<f4', 'fortran_order': False, 'shape': (-2, -3), }", 24));
  CHECK(!with_header("{'descr': '<f4', 'fortran_order': False, 'shape': (2147483647, 2147483647), }", 4));
  CHECK(!with_header("{'descr': '<f4', 'fortran_order': False, 'shape': (4294967298, 3), }", 24));
  CHECK(!with_header("{'descr': '<f4', 'fortran_order': True, 'shape': (2, 3), }", 24));
  CHECK(!with_header("{'descr': '<f8', 'fortran_order': False, 'shape': (2, 3), }", 24));
  CHECK(!with_header("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3", 24));
  CHECK(!read_npy(folder.write("short.npy", "\x93NUMPY")).ok());
  CHECK(!read_npy(folder.path.string()).ok());
  CHECK(read_npy((folder.path / "missing.npy").string()).status().code() == Code::not_found);
}

TEST_CASE("accuracy and its ties") {
  const std::vector<std::int32_t> equal(10, 4);
  Accuracy ties;
  for (int label = 0; label < 10; ++label) ties.add(equal.data(), 10, label);
  CHECK(ties.top1_hits() == 1);  // class 0 comes first
  CHECK(ties.top5_hits() == 5);
  CHECK(ties.count() == 10);
  const std::vector<float> logits = {0.0f, 9.0f, 3.0f, std::nanf(""), 1.0f, 2.0f, -1.0f};
  Accuracy some;
  for (int label : {1, 5, 6, 3, 7, -1}) some.add(logits.data(), 7, label);
  CHECK(some.count() == 6);
  CHECK(some.top1_hits() == 1);
  CHECK(some.top5_hits() == 2);
  CHECK(some.top1_percent() == doctest::Approx(100.0 / 6.0));
  CHECK(Accuracy().top1_percent() == 0.0);
  const Interval interval = wilson_interval(583, 744);
  CHECK(interval.low == doctest::Approx(75.26).epsilon(1e-3));
  CHECK(interval.high == doctest::Approx(81.17).epsilon(1e-3));
  CHECK(wilson_interval(0, 20).low == doctest::Approx(0.0));
  CHECK(wilson_interval(20, 20).high == doctest::Approx(100.0));
  CHECK(wilson_interval(0, 0).high == 100.0);
}

TEST_CASE("float network equals reference logits") {
  const char* shared = std::getenv("INTVIT_SHARED_DATA");
  if (shared == nullptr || *shared == 0) {
    MESSAGE("skipped: INTVIT_SHARED_DATA is not set");
    return;
  }
  const std::string data = shared;
  const auto network = load_network(data + "/deit_tiny");
  REQUIRE_MESSAGE(network.ok(), network.status().message());
  const auto expected = read_npy(data + "/deit_tiny/reference_logits_preprocess.npy");
  REQUIRE_MESSAGE(expected.ok(), expected.status().message());
  REQUIRE(expected.value().rows == 6);
  REQUIRE(expected.value().cols == network.value().classes());
  FloatForward forward(network.value(), 2);
  double difference = 0.0;
  for (int i = 0; i < 6; ++i) {
    const auto picture = read_picture(data + "/preprocess/expected/" + std::to_string(i) + "_224_0p9_bicubic.png");
    REQUIRE_MESSAGE(picture.ok(), picture.status().message());
    REQUIRE(picture.value().width == 224);
    REQUIRE(picture.value().height == 224);
    const std::vector<float> logits = judged_output(forward, network.value(), picture.value().rgb.data());
    for (std::size_t j = 0; j < logits.size(); ++j) {
      difference = std::max<double>(difference, std::fabs(logits[j] - expected.value().data[i * logits.size() + j]));
    }
  }
  MESSAGE("largest difference of a logit: " << difference);
  CHECK(difference < 1e-3);
}

namespace {

// A shipped demo model against PyTorch and Pillow (models/demo/training.py). stb_image's JPEG differs from Pillow's.
void compare_with_torch(const std::string& folder, const std::string& list) {
  const auto network = load_network(folder);
  REQUIRE_MESSAGE(network.ok(), network.status().message());
  const auto reference = read_npy(folder + "/reference_logits_test.npy");
  REQUIRE(reference.ok());
  const auto pictures = read_picture_list(list);
  REQUIRE(pictures.ok());
  const auto geometry = input_geometry(network.value().preprocessing);
  REQUIRE(geometry.ok());
  PictureFiles source(paths_of(pictures.value()), geometry.value());
  REQUIRE(source.count() == reference.value().rows);
  std::vector<std::uint8_t> pixels(64 * 64 * 3);
  FloatForward forward(network.value(), 1);
  int compared = 0;
  float worst = 0;
  for (int i = 0; i < source.count(); ++i) {
    const bool is_png = pictures.value()[static_cast<std::size_t>(i)].path.ends_with(".png");
    if (!is_png && picture_decoders() == "stb_image") continue;
    REQUIRE(source.read(i, pixels.data()).ok());
    const std::vector<float> logits = judged_output(forward, network.value(), pixels.data());
    for (std::size_t c = 0; c < logits.size(); ++c) {
      worst = std::max(worst,
                       std::abs(logits[c] - reference.value().data[static_cast<std::size_t>(i) * logits.size() + c]));
    }
    ++compared;
  }
  MESSAGE("largest difference of a logit over " << compared << " pictures: " << worst);
  CHECK(compared >= (picture_decoders() == "stb_image" ? 20 : 256));
  CHECK(worst < 1e-3f);
}

}  // namespace

TEST_CASE("float network equals the demo models' reference logits") {
  const char* demo = std::getenv("INTVIT_DEMO_DIR");
  REQUIRE(demo != nullptr);
  const std::string folder = demo;
  SUBCASE("ViT") { compare_with_torch(folder, folder + "/test.txt"); }
  SUBCASE("Swin") { compare_with_torch(folder + "/../swin_demo", folder + "/test.txt"); }
}

}  // namespace intvit
