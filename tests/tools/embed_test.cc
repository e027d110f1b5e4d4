// How near embeddings are, and a cache whose bytes are not what they were.
#include "tools/vitrun/embed.h"

#include <doctest/doctest.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "engine/format/checksum.h"

using namespace intvit;

namespace {

struct CacheFolder {
  std::filesystem::path path = std::filesystem::temp_directory_path() / "intvit_embed_test";
  CacheFolder() { std::filesystem::create_directories(path); }
  ~CacheFolder() { std::filesystem::remove_all(path); }
  std::string file(const char* name) const { return (path / name).string(); }
  void write(const char* name, const std::string& bytes) const {
    std::ofstream(path / name, std::ios::binary) << bytes;
  }
  std::string read(const char* name) const {
    std::ifstream in(path / name, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
};

// With a checksum that is right again.
std::string sealed(std::string bytes) {
  bytes.resize(bytes.size() - 8);
  const std::uint64_t sum = checksum64({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()});
  for (int shift = 0; shift < 64; shift += 8) bytes += static_cast<char>(sum >> shift);
  return bytes;
}

}  // namespace

TEST_CASE("nearest: by the angle alone, equals in order, nothing for no length") {
  const RealValues query = {1, 0};
  const std::vector<RealValues> values = {{0, 1}, {5, 5}, {0.1f, 0}, {-3, 0}, {0, 0}, {7, 0}};
  CHECK(cosine(query, values[1]) == doctest::Approx(0.70710678));
  CHECK(cosine(query, values[3]) == -1);
  CHECK(cosine(query, values[4]) == 0);
  const std::vector<Neighbour> found = nearest(query, values, 4);
  REQUIRE(found.size() == 4);
  CHECK(found[0].index == 2);
  CHECK(found[1].index == 5);
  CHECK(found[2].index == 1);
  CHECK(found[3].index == 0);
  CHECK(nearest(query, values, 100).size() == 6);
}

TEST_CASE("embedding cache: keeps what was put, and takes nothing from bytes that do not add up") {
  const CacheFolder folder;
  folder.write("a.png", "a");
  const std::string picture = folder.file("a.png"), file = folder.file("cache");
  std::string note;
  EmbeddingCache cache(file, 7, 2);
  REQUIRE(cache.open(note).ok());
  cache.put(picture, *stamp_of(picture), {1.5f, -2});
  REQUIRE(cache.write().ok());
  const auto found = [&](std::uint64_t digest, int columns) {
    EmbeddingCache again(file, digest, columns);
    note.clear();
    REQUIRE(again.open(note).ok());
    const RealValues* values = again.find(picture);
    return values == nullptr ? RealValues() : *values;
  };
  CHECK(found(7, 2) == RealValues{1.5f, -2});
  CHECK(note.empty());
  CHECK(found(8, 2).empty());
  CHECK(note.find("another model") != std::string::npos);
  CHECK(found(7, 3).empty());

  const std::string good = folder.read("cache");
  REQUIRE(sealed(good) == good);
  // The version, the count and the length of the path, each with a checksum that is right.
  for (const std::size_t at : {8, 24, 31, 32, 35}) {
    CAPTURE(at);
    std::string bad = good;
    bad[at] = '\x7f';
    folder.write("cache", sealed(bad));
    CHECK(found(7, 2).empty());
    CHECK(note.find("made anew") != std::string::npos);
  }
  folder.write("cache", sealed(good + "more"));
  CHECK(found(7, 2).empty());
  folder.write("cache", good);
  folder.write("a.png", "ab");
  CHECK(found(7, 2).empty());
  CHECK(note.empty());
}
