// Programs of random options, as they are and changed at random (tests/engine/mutate_program.h), judged as in
// tests/engine/judge_program.h.
#include <doctest/doctest.h>

#include <algorithm>

#include "engine/format/writer.h"
#include "tests/engine/generated_options.h"
#include "tests/engine/judge_program.h"
#include "tests/engine/mutate_program.h"

namespace intvit::test {
namespace {

GeneratedFile generate(Random& random) {
  const TinyOptions options = generated_options(random);
  TinyProgram tiny = make_tiny_program(options);
  GeneratedFile file;
  const std::int64_t changes = std::max<std::int64_t>(random.integer(-1, 3), 0);
  for (std::int64_t i = 0; i < changes; ++i) file.changes += mutate_program(tiny, random) + "; ";
  if (random.chance(50)) show_buffers(tiny.program);
  file.bytes = encode_model(tiny.program, tiny_metadata(options));
  if (random.chance(10)) flip_bit(file.bytes, random), file.changes += "a bit; ";
  return file;
}

TEST_CASE("generated programs: what the reader takes runs as the plain execution on every instruction set") {
  judge_programs(150, generate);
}

}  // namespace
}  // namespace intvit::test
