// Writes the tiny programs of tests/engine/tiny_options.h into a folder, as seeds of fuzz_model.
#include <cstdio>
#include <string>

#include "engine/format/writer.h"
#include "tests/engine/tiny_program.h"

int main(int argc, char** argv) {
  if (argc != 2) return std::fputs("usage: write_seeds FOLDER\n", stderr), 2;
  for (intvit::test::TinyVariant variant : intvit::test::all_variants()) {
    // Small ones run more often.
    variant.options.edge = 8, variant.options.blocks = 1;
    const auto status = intvit::write_file_atomically(std::string(argv[1]) + "/" + variant.name,
                                                      intvit::test::tiny_model_bytes(variant.options));
    if (!status.ok()) return std::fprintf(stderr, "%s\n", status.message().c_str()), 1;
  }
  return 0;
}
