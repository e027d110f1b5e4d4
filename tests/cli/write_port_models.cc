// Writes two models into a folder, as no conversion makes them: `four.bin` has logits, an embedding, tokens and a map,
// `none.bin` is the same without logits.
#include <cstdio>
#include <string>

#include "engine/format/writer.h"
#include "tests/engine/tiny_ports.h"

int main(int argc, char** argv) {
  if (argc != 2) return std::fputs("usage: write_port_models FOLDER\n", stderr), 2;
  const std::string folder = argv[1];
  const auto write = [&](const std::string& name, const intvit::test::TinyProgram& tiny) {
    const auto bytes = intvit::encode_model(tiny.program, {{"architecture", "tiny"}});
    return intvit::write_file_atomically(folder + "/" + name, bytes).ok();
  };
  intvit::test::TinyOptions options;
  options.edge = 16;
  const bool written = write("four.bin", intvit::test::with_four_outputs(options)) &&
                       write("none.bin", intvit::test::without_logits(options));
  return written ? 0 : 1;
}
