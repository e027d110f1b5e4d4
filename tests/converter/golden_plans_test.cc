// What every method makes of two small networks, with plain MLPs and with a gated one, against what it made of them
// when the goldens in tests/golden/plans were recorded.
//
// On every machine the texts METHOD_wXaX.txt are compared, with the tolerances of golden_text.h: the plan, and the
// program with weights rounded to nearest. Floats of the network differ in the last bits between oneDNN's instruction
// sets, which ours follow (converter/float/vectors/), and between versions of oneDNN. A few choices hang on them
// (without_close_choices below), but DNNL_MAX_CPU_ISA=SSE41, AVX2 and AVX512_CORE give the same texts.
// With error feedback they matter: where they turn one code of a weight, the rest of its column is rounded otherwise.
// So of that program the texts hold the error only. Where the float network gives the very bits that it gave on a
// machine of the record, the digests of plan and program in digests.txt must be met too, which see the change of a
// single bit.
//
// To record anew after a change that is meant: delete digests.txt and run
//   INTVIT_RECORD_GOLDENS=1 test_converter -tc='goldens*'
// which replaces the texts and adds the digests for the bits of this machine. Before that, the same with
// DNNL_MAX_CPU_ISA=SSE41, then AVX2, adds those of other instruction sets.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "converter/convert/convert.h"
#include "converter/families/vit/random_vit.h"
#include "engine/format/checksum.h"
#include "intvit/model.h"
#include "tests/converter/conversion_parts.h"
#include "tests/converter/golden_text.h"
#include "tests/converter/small_network.h"
#include "tests/engine/encode_op_set_2.h"

using namespace intvit;

namespace {

using OrderedJson = nlohmann::ordered_json;

constexpr int kGoldenPictures = 6;
constexpr std::uint64_t kNetworkSeed = 21, kPictureSeed = 3;
// A network of which no method's choice hangs on the last bits of floats.
constexpr std::uint64_t kGatedSeed = 23;

std::filesystem::path golden_folder() { return std::filesystem::path(INTVIT_GOLDEN_DIR) / "plans"; }

bool recording() { return std::getenv("INTVIT_RECORD_GOLDENS") != nullptr; }

// With what makes methods differ: channels that stand out, a dead one, and attention that looks at few tokens.
FloatNetwork golden_network() {
  FloatNetwork network = random_network(small_vit(), kNetworkSeed);
  const auto channels = static_cast<std::size_t>(small_vit().embed_dim);
  norm_of(network, "blocks.0.norm1").gamma[7] *= 9;
  norm_of(network, "blocks.0.norm2").gamma[11] *= 5;
  norm_of(network, "blocks.1.norm1").gamma[20] *= 6;
  norm_of(network, "blocks.1.norm2").gamma[5] = 0;
  FloatLinear &qkv = linear_of(network, "blocks.1.attn.qkv"), &proj = linear_of(network, "blocks.0.attn.proj");
  for (std::size_t i = 0; i < channels * channels; ++i) qkv.weight[i] *= 2.5f;
  for (std::size_t i = 0; i < channels; ++i) proj.weight[13 * channels + i] *= 8;
  return network;
}

// The same with one block whose MLP is gated.
FloatNetwork gated_golden_network() {
  VitDescription vit = small_vit();
  vit.depth = 1;
  vit.gated_mlp = true;
  vit.activation = Activation::silu;
  FloatNetwork network = random_network(vit, kGatedSeed);
  norm_of(network, "blocks.0.norm2").gamma[11] *= 5;
  return network;
}

std::string hex(std::uint64_t value) {
  char text[24];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(value));
  return text;
}

template <typename T>
std::uint64_t digest_of(const std::vector<T>& values) {
  return checksum64({reinterpret_cast<const std::uint8_t*>(values.data()), values.size() * sizeof(T)});
}

std::uint64_t digest_of(const std::string& text) {
  return checksum64({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
}

// All that the float network holds on the way, bit for bit.
class Fingerprint : public Observer {
 public:
  void on_activation(TensorId, float* data, int rows, int columns) override {
    const auto bytes = static_cast<std::size_t>(rows) * static_cast<std::size_t>(columns) * sizeof(float);
    value_ = checksum64({reinterpret_cast<const std::uint8_t*>(data), bytes}, value_);
  }
  std::uint64_t value() const { return value_; }

 private:
  std::uint64_t value_ = 0;
};

SyntheticPictures golden_pictures(const FloatNetwork& network) {
  return {kGoldenPictures, network.preprocessing.height, network.preprocessing.width, kPictureSeed};
}

std::string float_bits(const FloatNetwork& network) {
  SyntheticPictures pictures = golden_pictures(network);
  std::vector<std::uint8_t> pixels(picture_bytes(network));
  FloatForward forward(network, 1);
  Fingerprint fingerprint;
  for (int i = 0; i < kGoldenPictures; ++i) {
    REQUIRE(pictures.read(i, pixels.data()).ok());
    forward.run(pixels.data(), &fingerprint);
  }
  return hex(fingerprint.value());
}

// Scales of an equalisation and the scale of the codes behind it say one thing together: a factor that moves from one
// to the other changes no code, and which factor it is may hang on a last bit. So the equalisation takes all of it.
void move_scale_into_equalisation(OrderedJson& plan) {
  const auto equalisations = plan.find("equalisations");
  if (equalisations == plan.end()) return;
  for (auto& [site, equalisation] : equalisations->items()) {
    OrderedJson& scheme = plan["activations"][site][0];
    if (equalisation.contains("rotate") || scheme.contains("parts")) continue;
    OrderedJson& scale = (scheme.contains("grid") ? scheme["grid"] : scheme)["scale"];
    const double unit = scale;
    scale = 1.0;
    for (const char* list : {"levels", "thresholds"}) {
      if (!scheme.contains(list)) continue;
      for (OrderedJson& value : scheme[list]) value = value.get<double>() / unit;
    }
    for (std::size_t c = 0; c < equalisation["scale"].size(); ++c) {
      const double factor = equalisation["scale"][c];
      equalisation["offset"][c] = equalisation["offset"][c].get<double>() * factor;
      equalisation["scale"][c] = factor * unit;
    }
  }
}

using Lines = std::vector<std::string>;

void describe(const OrderedJson& value, const std::string& place, Lines& lines) {
  if (value.is_object()) {
    for (const auto& [key, member] : value.items()) describe(member, place + (place.empty() ? "" : " ") + key, lines);
  } else if (value.is_array() && !value.empty() && value[0].is_number()) {
    const auto numbers = value.get<std::vector<double>>();
    lines.push_back(place + ": " + summary(numbers));
  } else if (value.is_array() && value.size() > 4 && value[0].is_object()) {
    for (const auto& [key, first] : value[0].items()) {
      OrderedJson column = OrderedJson::array();
      for (const OrderedJson& row : value) column.push_back(row[key]);
      describe(column, place + " " + key, lines);
    }
  } else if (value.is_array()) {
    for (std::size_t i = 0; i < value.size(); ++i) describe(value[i], place + " " + std::to_string(i), lines);
  } else {
    lines.push_back(place + ": " + (value.is_number_float() ? relative_number(value.get<double>()) : value.dump()));
  }
}

double element(const Constant& constant, std::size_t i) {
  switch (constant.type) {
    case DataType::u8:
      return constant.as<std::uint8_t>()[i];
    case DataType::s8:
      return constant.as<std::int8_t>()[i];
    case DataType::s16:
      return constant.as<std::int16_t>()[i];
    case DataType::s32:
      return constant.as<std::int32_t>()[i];
  }
  return 0;
}

void describe(const Program& program, Lines& lines) {
  for (const Step& step : program.steps) lines.push_back("step " + step.layer + " " + std::string(step.op->name()));
  for (const Constant& constant : program.constants) {
    std::vector<double> values;
    for (std::size_t i = 0; i < constant.count(); ++i) values.push_back(element(constant, i));
    lines.push_back("constant " + constant.name + ": " + summary(values));
  }
}

Conversion golden_conversion(const FloatNetwork& network, const ConvertOptions& options) {
  SyntheticPictures pictures = golden_pictures(network);
  Result<Conversion> conversion = convert(network, pictures, options, kSilent);
  REQUIRE_MESSAGE(conversion.ok(), conversion.status().message());
  return conversion.take();
}

// The program alone, whatever the metadata.
Program program_of(const Conversion& conversion, std::shared_ptr<const Model>& keeper) {
  const auto model = Model::from_memory(conversion.file, "test");
  REQUIRE(model.ok());
  keeper = model.value();
  return keeper->program();
}

struct Made {
  Lines lines;
  std::string digests;  // of the plan, of the program with error feedback, of the one rounded to nearest
};

Made made_by(const std::string& method, int bits, const FloatNetwork& network) {
  ConvertOptions options;
  options.method = method;
  options.weight_bits = options.activation_bits = bits;
  const Conversion fed_back = golden_conversion(network, options);
  options.plan = fed_back.plan;
  options.feedback = false;
  const Conversion nearest = golden_conversion(network, options);
  std::shared_ptr<const Model> keepers[2];
  const Program programs[] = {program_of(fed_back, keepers[0]), program_of(nearest, keepers[1])};

  const std::string json = plan_to_json(fed_back.plan);
  OrderedJson plan = OrderedJson::parse(json);
  move_scale_into_equalisation(plan);
  Made made;
  describe(plan, "", made.lines);
  describe(programs[1], made.lines);
  made.lines.push_back("error, rounded to nearest: " + share_number(std::pow(10, -sqnr_db(nearest) / 20)));
  made.lines.push_back("error feedback: " + decibels(sqnr_db(fed_back)));
  made.digests = hex(digest_of(json));
  for (const Program& program : programs) made.digests += " " + hex(digest_of(test::encode_op_set_2(program, {})));
  return made;
}

Lines read_lines(const std::filesystem::path& path) {
  std::ifstream file(path);
  Lines lines;
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  return lines;
}

void write_lines(const std::filesystem::path& path, const Lines& lines) {
  std::ofstream file(path);
  for (const std::string& line : lines) file << line << "\n";
  REQUIRE(file.flush().good());
}

// Many choices are nearly as good as the best, and which is taken may hang on a last bit: softmax tables of 256 levels,
// of which only the best few are refitted, and the groups of the channels behind the first block's GELU, with the error
// that follows.
Lines without_close_choices(Lines lines, int bits) {
  std::erase_if(lines, [bits](const std::string& line) {
    const bool softmax_table = line.starts_with("softmax ") ? line.find(" tables ") != std::string::npos
                                                            : line.find(".softmax_") != std::string::npos;
    return (bits == 8 && softmax_table) || line.find("blocks.0.mlp.fc2.input") != std::string::npos ||
           line.starts_with("error, ");
  });
  return lines;
}

// "<float bits> <name>" -> the digests
std::map<std::string, std::string> read_digests() {
  constexpr std::size_t kDigests = 3 * 16 + 2;
  std::map<std::string, std::string> digests;
  for (const std::string& line : read_lines(golden_folder() / "digests.txt")) {
    if (line.size() > kDigests)
      digests[line.substr(0, line.size() - kDigests - 1)] = line.substr(line.size() - kDigests);
  }
  return digests;
}

}  // namespace

TEST_CASE("goldens: every method's plan and program of a small network are as recorded") {
  FloatNetwork network = golden_network();
  std::string prefix;
  SUBCASE("plain MLPs") {}
  SUBCASE("gated MLPs") { network = gated_golden_network(), prefix = "gated_"; }
  const std::string bits_here = float_bits(network);
  std::map<std::string, std::string> digests = read_digests();
  const bool known =
      std::any_of(digests.begin(), digests.end(), [&](const auto& d) { return d.first.starts_with(bits_here); });
  if (!known) MESSAGE("no digests for the float bits of this machine (" << bits_here << "); texts only");
  for (const Method& method : methods()) {
    for (const int bits : {4, 8}) {
      const std::string name =
          prefix + std::string(method.name) + "_w" + std::to_string(bits) + "a" + std::to_string(bits);
      CAPTURE(name);
      const Made made = made_by(std::string(method.name), bits, network);
      const std::filesystem::path path = golden_folder() / (name + ".txt");
      if (recording()) {
        write_lines(path, made.lines);
        digests[bits_here + " " + name] = made.digests;
        continue;
      }
      const Lines expected = read_lines(path);
      REQUIRE_MESSAGE(!expected.empty(), "no golden text; the top of this file says how to record one");
      CHECK(differences(known ? expected : without_close_choices(expected, bits),
                        known ? made.lines : without_close_choices(made.lines, bits)) == "");
      if (known) CHECK(digests[bits_here + " " + name] == made.digests);
    }
  }
  if (!recording()) return;
  Lines lines;
  for (const auto& [key, value] : digests) lines.push_back(key + " " + value);
  write_lines(golden_folder() / "digests.txt", lines);
}

TEST_CASE("goldens: the comparison sees what it must and overlooks rounding") {
  const std::vector<double> values = {1, 2, 3, 4}, swapped = {1, 3, 2, 4}, rounded = {1.0001, 2, 3, 4};
  CHECK(differences({"a: " + summary(values)}, {"a: " + summary(rounded)}) == "");
  CHECK(differences({"a: " + summary(values)}, {"a: " + summary(swapped)}) != "");
  CHECK(differences({"a: " + summary(values)}, {"b: " + summary(values)}) != "");
  CHECK(differences({"bits: 4"}, {"bits: 5"}) != "");
  CHECK(differences({"x: 1.0000e+00"}, {"x: 1.0100e+00"}) != "");
  CHECK(differences({"x: 1"}, {"x: 1", "y: 2"}) != "");
}
