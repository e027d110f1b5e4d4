#include "tests/capi/tiny_files.h"

#include "engine/format/writer.h"
#include "tests/engine/tiny_ports.h"

namespace intvit::test {

std::vector<std::uint8_t> four_outputs_file() { return encode_model(with_four_outputs().program, tiny_metadata()); }

std::vector<std::uint8_t> four_outputs_picture(std::uint64_t seed) { return tiny_picture({}, seed); }

}  // namespace intvit::test
