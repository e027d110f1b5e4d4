// Every truncation of the smallest model, and every flipped bit of its header, its section table and its program, with
// checksums and sizes that agree with the damage: none may end in anything but a refusal or a run.
#include <doctest/doctest.h>

#include <cstddef>
#include <vector>

#include "engine/format/layout.h"
#include "intvit/model.h"
#include "tests/engine/fates.h"
#include "tests/engine/repair_checksums.h"
#include "tests/engine/tiny_program.h"
#include "tests/one_of.h"

namespace intvit::test {
namespace {

std::vector<std::uint8_t> smallest_model() {
  return tiny_model_bytes({.edge = 2, .patch = 2, .channels = 2, .heads = 1, .hidden = 2, .classes = 2});
}

TEST_CASE("damage: every truncated file is refused") {
  const std::vector<std::uint8_t> bytes = smallest_model();
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    std::vector<std::uint8_t> cut(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size));
    CHECK_MESSAGE(!Model::from_memory(cut, "cut").ok(), size);
    repair_checksums(cut);  // its size is right, but a section is missing
    CHECK_MESSAGE(!Model::from_memory(cut, "cut").ok(), size);
  }
  std::vector<std::uint8_t> longer = bytes;
  longer.push_back(0);
  CHECK(!Model::from_memory(longer, "longer").ok());
}

TEST_CASE("damage: every truncated section is refused") {
  const std::vector<std::uint8_t> bytes = smallest_model();
  for (std::size_t i = 0; i < kSectionCount; ++i) {
    std::vector<std::uint8_t> cut = bytes;
    const std::uint64_t whole = record_of(cut, i).size;
    for (std::uint64_t size = 0; size < whole; ++size) {
      record_of(cut, i).size = size;
      repair_checksums(cut);
      CHECK_MESSAGE(!Model::from_memory(cut, "cut").ok(), "section " << i << ", " << size << " bytes");
    }
  }
}

TEST_CASE("damage: every flipped bit with repaired checksums is refused or runs") {
  const std::vector<std::uint8_t> bytes = smallest_model();
  std::vector<std::uint8_t> damaged = bytes;
  const auto flip_all = [&](std::size_t begin, std::size_t end, bool repair) {
    Fates fates;
    for (std::size_t bit = 8 * begin; bit < 8 * end; ++bit) {
      if (begin != 0 && !is_tried(bit)) continue;
      damaged[bit / 8] ^= static_cast<std::uint8_t>(1 << bit % 8);
      if (repair) repair_checksums(damaged);
      fates.judge(damaged);
      damaged = bytes;
    }
    return fates;
  };
  const std::size_t table_end = sizeof(FileHeader) + kSectionCount * sizeof(SectionRecord);
  const auto program = section_of(damaged, SectionId::program);
  const auto begin = static_cast<std::size_t>(program.data() - damaged.data());
  const Fates raw = flip_all(0, sizeof(FileHeader), false), header = flip_all(0, sizeof(FileHeader), true);
  const Fates table = flip_all(sizeof(FileHeader), table_end, true),
              steps = flip_all(begin, begin + program.size(), true);
  MESSAGE("header: " << raw.refused << " refused, " << raw.ran << " ran; repaired: " << header.refused << " and "
                     << header.ran << "; table: " << table.refused << " and " << table.ran << "; program: "
                     << steps.refused << " and " << steps.ran << ", " << steps.too_large << " too large to run");
  CHECK(raw.refused > 0);
  CHECK(table.refused > 0);
  CHECK(steps.refused > 1000);
  CHECK(steps.ran > 1000);  // names, ...
}

}  // namespace
}  // namespace intvit::test
