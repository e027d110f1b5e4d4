// Writes the tiny programs of tests/engine/tiny_options.h into a folder, as seeds of fuzz_model: in both encodings, and
// some with other outputs than logits.
#include <cstdio>
#include <string>
#include <vector>

#include "engine/format/writer.h"
#include "tests/engine/encode_op_set_2.h"
#include "tests/engine/tiny_ports.h"

int main(int argc, char** argv) {
  using namespace intvit::test;
  if (argc != 2) return std::fputs("usage: write_seeds FOLDER\n", stderr), 2;
  bool ok = true;
  const auto write = [&](const std::string& name, const std::vector<std::uint8_t>& bytes) {
    const auto status = intvit::write_file_atomically(std::string(argv[1]) + "/" + name, bytes);
    if (!status.ok()) ok = false, std::fprintf(stderr, "%s\n", status.message().c_str());
  };
  for (TinyVariant variant : all_variants()) {
    // Small ones run more often.
    variant.options.edge = 8, variant.options.blocks = 1;
    const TinyProgram tiny = make_tiny_program(variant.options);
    write(variant.name, intvit::encode_model(tiny.program, tiny_metadata(variant.options)));
    const bool aside = variant.options.normed && variant.options.normed->aside != 0;
    if (variant.options.gated || variant.options.rotated || variant.options.conv || aside)
      continue;  // which op set 2 does not have
    write(variant.name + ", op set 2", encode_op_set_2(tiny.program, tiny_metadata(variant.options)));
  }
  write("four outputs", intvit::encode_model(with_four_outputs().program, {}));
  write("no logits", intvit::encode_model(without_logits().program, {}));
  return ok ? 0 : 1;
}
