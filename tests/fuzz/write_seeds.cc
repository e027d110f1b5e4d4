// Writes the tiny programs of tests/engine/tiny_options.h into a folder, as seeds of fuzz_model: in both encodings, and
// some with other outputs than logits. Into a second folder, of fuzz_safetensors, it writes a checkpoint as torch.save
// does.
#include <cstdio>
#include <string>
#include <vector>

#include "engine/format/writer.h"
#include "tests/converter/zip_writer.h"
#include "tests/engine/encode_op_set_2.h"
#include "tests/engine/tiny_ports.h"

namespace {

// A state_dict with the tensor `a`, float32 [2, 2], in a training run's dictionary.
std::vector<std::uint8_t> torch_checkpoint() {
  using intvit::checkpoints::little;
  const auto text = [](const std::string& s) { return "X" + little(s.size(), 4) + s; };
  const auto integer = [](std::uint64_t n) { return "J" + little(n, 4); };
  const std::string pair = "(" + integer(2) + integer(2) + "t", strides = "(" + integer(2) + integer(1) + "t";
  const std::string tensor = "ctorch._utils\n_rebuild_tensor_v2\n((" + text("storage") + "ctorch\nFloatStorage\n" +
                             text("0") + text("cpu") + integer(4) + "tQ" + integer(0) + pair + strides + "\x89" +
                             "ccollections\nOrderedDict\n)RtR";
  const std::string pickle = "\x80\x02}(" + text("epoch") + integer(3) + text("model") +
                             "ccollections\nOrderedDict\n)R(" + text("a") + tensor + "uu.";
  const std::string file = intvit::checkpoints::zip(
      {{"archive/data.pkl", pickle}, {"archive/byteorder", "little"}, {"archive/data/0", std::string(16, '\x3f')}});
  return {file.begin(), file.end()};
}

}  // namespace

int main(int argc, char** argv) {
  using namespace intvit::test;
  if (argc != 3) return std::fputs("usage: write_seeds MODELS CHECKPOINTS\n", stderr), 2;
  bool ok = true;
  const auto write_to = [&](const char* folder, const std::string& name, const std::vector<std::uint8_t>& bytes) {
    const auto status = intvit::write_file_atomically(std::string(folder) + "/" + name, bytes);
    if (!status.ok()) ok = false, std::fprintf(stderr, "%s\n", status.message().c_str());
  };
  const auto write = [&](const std::string& name, const std::vector<std::uint8_t>& bytes) {
    write_to(argv[1], name, bytes);
  };
  write_to(argv[2], "torch.pth", torch_checkpoint());
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
