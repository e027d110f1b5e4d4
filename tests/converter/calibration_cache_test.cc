// Calibration that is kept in a file: the same models come of it, another key starts anew, and no file does harm.
#include "converter/convert/calibration_cache.h"

#include <doctest/doctest.h>

#include <fstream>
#include <sstream>

#include "converter/convert/convert.h"
#include "converter/families/random_network.h"
#include "converter/families/vit/random_vit.h"
#include "engine/format/byte_stream.h"
#include "engine/format/checksum.h"
#include "tests/converter/checkpoints.h"
#include "tests/converter/small_network.h"

using namespace intvit;
using checkpoints::contains;

namespace {

constexpr int kCached = 3;  // pictures

Result<Conversion> conversion_of(const FloatNetwork& network, int bits, CalibrationCache* cache) {
  SyntheticPictures pictures(kCached, network.preprocessing.height, network.preprocessing.width, 3);
  ConvertOptions options;
  options.weight_bits = options.activation_bits = bits;
  options.feedback = false;
  options.cache = cache;
  return convert(network, pictures, options, kSilent);
}

std::vector<std::uint8_t> file_of(const FloatNetwork& network, int bits, CalibrationCache* cache) {
  const Result<Conversion> conversion = conversion_of(network, bits, cache);
  REQUIRE_MESSAGE(conversion.ok(), conversion.status().message());
  return conversion.value().file;
}

// A cache in a folder of its own, and what it noted.
struct CacheFile {
  checkpoints::TempFolder folder;
  std::string notes;

  std::string path() const { return folder.file("cache"); }

  Result<CalibrationCache> open(const FileKey& key = {{"checkpoint", "1"}, {"choice of pictures", "2"}}) {
    notes.clear();
    return CalibrationCache::open(path(), key, [this](const std::string& note) { notes += note + "\n"; });
  }

  std::string bytes() const {
    std::ostringstream text;
    text << std::ifstream(path(), std::ios::binary).rdbuf();
    return text.str();
  }
};

// Whether something is kept.
bool find_in(const CalibrationCache& cache, int bits, FloatNetwork network) {
  return cache.find(bits, kCached, network).value().has_value();
}

// The checksum at the end made to fit.
std::string repaired(std::string file) {
  const std::size_t content = file.size() - 8;
  ByteWriter end;
  end.u64(checksum64({reinterpret_cast<const std::uint8_t*>(file.data()), content}));
  const std::vector<std::uint8_t> sum = end.take();
  std::copy(sum.begin(), sum.end(), file.begin() + static_cast<std::ptrdiff_t>(content));
  return file;
}

}  // namespace

TEST_CASE("calibration cache: the same bytes with it, without it, and for each number of bits") {
  const FloatNetwork network = random_network(small_vit(), 5);
  CacheFile file;
  for (const int bits : {8, 4, 3}) {
    CAPTURE(bits);
    const std::vector<std::uint8_t> plain = file_of(network, bits, nullptr);
    for (const bool kept : {false, true}) {
      Result<CalibrationCache> cache = file.open();
      REQUIRE_MESSAGE(cache.ok(), cache.status().message());
      CHECK(file_of(network, bits, &cache.value()) == plain);
      CHECK(contains(file.notes, "calibration is that of the cache") == kept);
    }
  }
  const Result<CalibrationCache> cache = file.open();
  for (const int bits : {0, 3, 4}) CHECK(find_in(cache.value(), bits, network));
  for (const int bits : {5, 8}) CHECK_FALSE(find_in(cache.value(), bits, network));
}

TEST_CASE("calibration cache: every kind of network has the statistics that are kept") {
  VitDescription pooled = small_vit();
  pooled.num_classes = 0, pooled.class_token = false, pooled.pooling = Pooling::attention;
  VitDescription gated = small_vit();
  gated.gated_mlp = true, gated.activation = Activation::silu;
  const OutputChoice maps{{"logits", "embedding", "tokens"}, {0, 1}};
  const Result<FloatNetwork> swin = random_network("swin_demo_patch4_window4_64", {}, 3, {});
  REQUIRE(swin.ok());
  for (const FloatNetwork& network :
       {random_network(pooled, 1), random_network(gated, 2), random_network(small_vit(), 3, maps), swin.value()}) {
    CacheFile file;
    Result<CalibrationCache> cache = file.open();
    const std::vector<std::uint8_t> first = file_of(network, 4, &cache.value());
    CHECK(file.notes.empty());
    CHECK(file_of(network, 4, &cache.value()) == first);
    CHECK(contains(file.notes, "calibration is that of the cache"));
  }
}

TEST_CASE("calibration cache: another key starts anew and says what is another") {
  const FloatNetwork network = random_network(small_vit(), 5);
  CacheFile file;
  file_of(network, 8, &file.open().value());
  Result<CalibrationCache> other = file.open({{"checkpoint", "1"}, {"choice of pictures", "3"}});
  REQUIRE(other.ok());
  CHECK(contains(file.notes, "is of another choice of pictures; it is made anew"));
  CHECK_FALSE(find_in(other.value(), 0, network));
  file_of(network, 8, &other.value());
  CHECK(find_in(file.open({{"checkpoint", "1"}, {"choice of pictures", "3"}}).value(), 0, network));
  // What is no cache is left alone.
  for (const char* text : {"no cache", "no cache, but longer than a checksum"}) {
    file.folder.write("cache", text);
    const Result<CalibrationCache> none = file.open();
    REQUIRE_FALSE(none.ok());
    CHECK(none.status().code() == Code::corrupt_file);
    CHECK(file.bytes() == text);
  }
  file.folder.write("cache", "");  // as mktemp makes it
  CHECK(file.open().ok());
}

TEST_CASE("calibration cache: a file that is cut or changed gives a Status") {
  VitDescription tiny = small_vit();
  tiny.depth = 1, tiny.embed_dim = 8, tiny.num_heads = 2, tiny.mlp_dim = 8;
  const FloatNetwork network = random_network(tiny, 5);
  CacheFile file;
  file_of(network, 4, &file.open().value());
  const std::string good = file.bytes();
  for (std::size_t size = 1; size < good.size(); size += 1 + size / 3) {
    file.folder.write("cache", good.substr(0, size));
    CHECK_FALSE(file.open().ok());
  }
  // With a checksum that fits: places at the beginning and at the end, where numbers may be any, and some between. What
  // passes for a cache is converted with.
  for (std::size_t at = 0; at + 8 < good.size(); at += at < 200 || at + 200 > good.size() ? 3 : 4999) {
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ '\x81');
    file.folder.write("cache", repaired(bad));
    Result<CalibrationCache> cache = file.open();
    if (!cache.ok()) continue;
    const Result<Conversion> conversion = conversion_of(network, 4, &cache.value());
    if (!conversion.ok()) CHECK(contains(conversion.status().message(), "is no calibration cache"));
  }
  file.folder.write("cache", good);
  Result<CalibrationCache> cache = file.open();
  FloatNetwork own = network, other = random_network(small_vit(), 1);
  CHECK_FALSE(cache.value().find(4, kCached + 1, own).ok());
  CHECK_FALSE(cache.value().find(4, kCached, other).ok());
}
