#include "tests/capi/tiny_files.h"

#include "engine/format/writer.h"
#include "tests/engine/tiny_ports.h"

namespace intvit::test {

std::vector<std::uint8_t> four_outputs_file() { return four_outputs_file_with({}); }

std::vector<std::uint8_t> four_outputs_file_with(const std::map<std::string, std::string>& facts) {
  Metadata metadata = tiny_metadata();
  for (const auto& [key, value] : facts) metadata[key] = value;
  return encode_model(with_four_outputs().program, metadata);
}

std::vector<std::uint8_t> four_outputs_picture(std::uint64_t seed) { return tiny_picture({}, seed); }

}  // namespace intvit::test
