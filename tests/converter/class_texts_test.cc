// Classes that are told by embeddings of texts: the file, what becomes of its rows, and models that classify by them.
#include "converter/families/class_texts.h"

#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "converter/families/vit/add_texts.h"
#include "converter/families/vit/build_vit.h"
#include "converter/families/vit/random_vit.h"
#include "converter/methods/method.h"
#include "tests/converter/conversion_parts.h"
#include "tests/converter/network_parts.h"
#include "tests/converter/renamed_checkpoints.h"
#include "tests/converter/small_network.h"
#include "tools/common/results/npy.h"

using namespace intvit;
using namespace intvit::checkpoints;

namespace {

std::string npy_text(std::vector<float> values, std::size_t columns) {
  NpyMatrix matrix(columns);
  for (std::size_t i = 0; i < values.size(); i += columns) matrix.add_row(std::span(values).subspan(i, columns));
  const auto bytes = matrix.bytes();
  return {bytes.begin(), bytes.end()};
}

ClassTexts random_texts(int classes, int columns, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<float> values;
  for (int i = 0; i < classes * columns; ++i) values.push_back(static_cast<float>(random() % 2000) - 1000);
  const TempFolder folder;
  folder.write("t.npy", npy_text(values, static_cast<std::size_t>(columns)));
  Result<ClassTexts> texts = read_class_texts(folder.file("t.npy"));
  REQUIRE_MESSAGE(texts.ok(), texts.status().message());
  return texts.take();
}

// A whole CLIP in transformers' names, the logarithm of its scale in it.
TensorMap whole_clip(float log_scale) {
  TensorMap tensors = renamed(tensors_of(clip()), Naming::transformers_clip, "vision_model.");
  auto projection = tensors.extract("vision_model.visual_projection.weight");
  projection.key() = "visual_projection.weight";
  tensors.insert(std::move(projection));
  tensors["logit_scale"] = {{}, {log_scale}};
  return tensors;
}

OutputChoice choice_of(ClassTexts texts) {
  OutputChoice choice;
  choice.texts = std::move(texts);
  return choice;
}

}  // namespace

TEST_CASE("class embeddings: rows get length 1, and bad files are refused in one line") {
  const TempFolder folder;
  folder.write("t.npy", npy_text({3, 4, 0, 0, -0.5f, 0}, 3));
  const auto texts = read_class_texts(folder.file("t.npy"));
  REQUIRE(texts.ok());
  CHECK(texts.value().classes == 2);
  CHECK(texts.value().columns == 3);
  CHECK(texts.value().embeddings == std::vector<float>{0.6f, 0.8f, 0, 0, -1, 0});
  const auto refused = [&](const std::string& bytes, const std::string& what) {
    folder.write("bad.npy", bytes);
    const auto bad = read_class_texts(folder.file("bad.npy"));
    REQUIRE_FALSE(bad.ok());
    CAPTURE(bad.status().message());
    CHECK(bad.status().code() == Code::corrupt_file);
    CHECK(contains(bad.status().message(), what));
    CHECK_FALSE(contains(bad.status().message(), "\n"));
  };
  const float nan = std::numeric_limits<float>::quiet_NaN(), infinity = std::numeric_limits<float>::infinity();
  refused(npy_text({1, 2, nan, 4}, 2), "row 1 has a NaN");
  refused(npy_text({1, -infinity}, 2), "row 0 has a NaN or an infinity");
  refused(npy_text({1, 2, 0, 0}, 2), "row 1 is zero");
  refused(npy_text({}, 2), "are [0, 2]");
  std::string text = npy_text({1, 2}, 2);
  refused(std::string(text).replace(text.find("<f4"), 3, "<f8"), "type '<f8'; float32");
  refused(std::string(text).replace(text.find("(1, 2)"), 6, "(2,)  "), "shape [2]; two dimensions");
  refused(std::string(text).replace(text.find("False"), 5, "True "), "Fortran");
  refused(text.substr(0, text.size() - 1), "should have 2 values");
  refused(text + "x", "should have 2 values");
  refused("a photo of a cat\n", "is no .npy file");
  CHECK(read_class_texts(folder.file("none.npy")).status().code() == Code::not_found);
  CHECK(read_class_texts(folder.path()).status().code() == Code::io);
}

TEST_CASE("class embeddings: any changed byte of the header is refused or describes the same values") {
  const TempFolder folder;
  const std::string good = npy_text({1, 2, 3, 4, 5, 6}, 3);
  int refused = 0;
  for (std::size_t at = 0; at < 128; ++at) {
    for (const char changed : {'\0', '9', '(', '\'', '\xff'}) {
      std::string bytes = good;
      bytes[at] = changed;
      folder.write("t.npy", bytes);
      const auto texts = read_class_texts(folder.file("t.npy"));
      refused += !texts.ok();
      if (texts.ok()) CHECK(texts.value().embeddings.size() == 6);
    }
  }
  CHECK(refused > 300);
  for (std::size_t size = 1; size < good.size(); ++size) {
    folder.write("t.npy", good.substr(0, size));
    CHECK_FALSE(read_class_texts(folder.file("t.npy")).ok());
  }
}

TEST_CASE("class embeddings: folded with CLIP's projection and scaled as the checkpoint says") {
  const ClassTexts texts = random_texts(4, 6, 1);
  const TensorMap clip_tensors = tensors_of(clip());
  const auto check = [&](const FloatNetwork& network, double scale) {
    REQUIRE(network.outputs.size() == 2);
    CHECK(network.outputs[0].name == "logits");
    CHECK(network.outputs[1].name == "embedding");
    CHECK(network.classes() == 4);
    CHECK(network.at(network.outputs[1].tensor).columns == 6);
    REQUIRE(network.zero_shot);
    CHECK(network.zero_shot->scale == doctest::Approx(scale));
    const std::vector<float>& weight = linear_of(network, "texts").weight;
    const std::vector<float>& projection = clip_tensors.at("head.weight").values;
    REQUIRE(weight.size() == 4 * 16);
    for (std::size_t c = 0; c < 4; ++c) {
      for (std::size_t i = 0; i < 16; ++i) {
        double sum = 0;
        for (std::size_t d = 0; d < 6; ++d) {
          sum += static_cast<double>(texts.embeddings[c * 6 + d]) * projection[d * 16 + i];
        }
        CHECK(weight[c * 16 + i] == doctest::Approx(scale * sum));
      }
    }
  };
  const double own = std::exp(static_cast<double>(2.5f));
  const FloatNetwork network =
      loaded_files(whole_clip(2.5f), kWholeClipConfig, nullptr, "config.json", choice_of(texts));
  check(network, own);
  CHECK_FALSE(network.zero_shot->bias);
  TensorMap open = renamed(clip_tensors, Naming::open_clip);
  open["logit_scale"] = {{}, {2.5f}};
  open["logit_bias"] = {{}, {-10}};
  const FloatNetwork other = loaded_files(open, kOpenClipConfig, nullptr, "open_clip_config.json", choice_of(texts));
  check(other, own);
  CHECK(other.zero_shot->bias == -10);
  ClassTexts given = texts;
  given.scale = 50;
  given.bias = -3;
  const FloatNetwork third = loaded_files(open, kOpenClipConfig, nullptr, "open_clip_config.json", choice_of(given));
  check(third, 50);
  CHECK(third.zero_shot->bias == -3);
}

TEST_CASE("class embeddings: what does not fit the checkpoint") {
  const auto refused = [](const TensorMap& tensors, const std::string& config, const OutputChoice& choice,
                          const std::string& what) {
    const auto network = load_tiny(tensors, config, choice);
    check_load_fails(network, Code::invalid_argument, {what});
  };
  const ClassTexts six = random_texts(3, 6, 1), sixteen = random_texts(3, 16, 1);
  refused(whole_clip(2), kWholeClipConfig, choice_of(sixteen), "has 6 values, but those of the classes have 16");
  TensorMap bare = whole_clip(2);
  bare.erase("logit_scale");
  refused(bare, kWholeClipConfig, choice_of(six), "give --logit-scale");
  refused(tensors_of(tiny_description()), kTinyConfig, choice_of(sixteen), "a head of its own with 5 classes");
  OutputChoice no_logits = choice_of(six);
  no_logits.ports = {"embedding"};
  refused(whole_clip(2), kWholeClipConfig, no_logits, "not among --ports");
  std::string pooled = kEncoderConfig;
  pooled.replace(pooled.find("\"num_heads\""), 0, "\"global_pool\": \"map\", ");
  ClassTexts scaled = sixteen;
  scaled.scale = 100;
  refused(tensors_of(siglip()), pooled, choice_of(scaled), "give --logit-bias");
  check_load_fails(load_tiny(whole_clip(99), kWholeClipConfig, choice_of(six)), Code::corrupt_file, {"logit_scale"});
  TensorMap three = whole_clip(2);
  three["logit_scale"] = numbered({3}, 1);
  check_load_fails(load_tiny(three, kWholeClipConfig, choice_of(six)), Code::corrupt_file, {"should be one number"});
}

TEST_CASE("class embeddings: every method converts CLIP and SigLIP with them") {
  for (const bool attention : {false, true}) {
    VitDescription vit = small_vit();
    vit.num_classes = 0;
    if (attention) vit.pooling = Pooling::attention, vit.class_token = false;
    if (!attention) vit.projection_dim = 20;
    VitWeights weights = random_vit_weights(vit, 5);
    const TempFolder folder;
    folder.write("model.safetensors", safetensors({{"cls_token", numbered({1}, 1)}}));
    const auto checkpoint = Checkpoint::open(folder.path());
    REQUIRE(checkpoint.ok());
    std::vector<std::string> notes;
    const auto table = TensorTable::build(checkpoint.value(), notes);
    REQUIRE(table.ok());
    ClassTexts texts = random_texts(9, attention ? 48 : 20, 2);
    texts.scale = 30;
    if (attention) texts.bias = -5;
    REQUIRE(add_texts(texts, table.value(), weights).ok());
    const FloatNetwork network = build_vit(weights, choice_of(texts)).take();
    SyntheticPictures pictures(3, 32, 40, 1);
    for (const Method& method : methods()) {
      for (const int bits : {8, 4}) {
        CAPTURE(method.name);
        CAPTURE(bits);
        ConvertOptions options;
        options.method = method.name;
        options.weight_bits = options.activation_bits = bits;
        const auto conversion = convert(network, pictures, options, kSilent);
        REQUIRE_MESSAGE(conversion.ok(), conversion.status().message());
        CHECK(sqnr_db(conversion.value()) > (bits == 8 ? 20 : 3));
        CHECK(sqnr_db(conversion.value(), "embedding") > (bits == 8 ? 20 : 3));
        const Metadata& metadata = conversion.value().metadata;
        CHECK(metadata.at("zero_shot") == (attention ? "sigmoid" : "softmax"));
        CHECK(metadata.at("logit_scale") == "30");
        CHECK(metadata.contains("logit_bias") == attention);
      }
    }
  }
}
