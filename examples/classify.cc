// The library in C++17, in forty lines: classify one raw RGB picture.
//   classify MODEL PIXELS WIDTH HEIGHT     PIXELS is a file of WIDTH * HEIGHT * 3 bytes
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "intvit/intvit.hpp"

static int fail(const intvit::Status& status) {
  std::fprintf(stderr, "classify: %s\n", status.message().c_str());
  return 1;
}

int main(int argc, char** argv) {
  if (argc != 5) return std::fprintf(stderr, "usage: classify MODEL PIXELS WIDTH HEIGHT\n"), 2;
  const int width = std::atoi(argv[3]), height = std::atoi(argv[4]);
  std::ifstream file(argv[2], std::ios::binary);
  const std::vector<char> bytes(std::istreambuf_iterator<char>(file), {});
  if (width < 1 || height < 1 ||
      bytes.size() != static_cast<std::size_t>(width) * static_cast<std::size_t>(height) * 3) {
    return std::fprintf(stderr, "classify: '%s' does not hold %d x %d pixels\n", argv[2], width, height), 1;
  }

  const auto model = intvit::Model::open(argv[1]);  // mapped and checked; share it between sessions
  if (!model.ok()) return fail(model.status());
  intvit::SessionOptions options;
  options.threads = 2;
  auto session = intvit::Session::create(model.value(), options);
  if (!session.ok()) return fail(session.status());
  const auto* pixels = reinterpret_cast<const std::uint8_t*>(bytes.data());
  const intvit::Status status = session.value()->set_picture(0, {pixels, width, height, width * 3});
  if (!status.ok()) return fail(status);
  session.value()->run();

  intvit::ClassLogit best;
  if (intvit::best_classes(session.value()->logits(0), &best, 1) == 0) return std::printf("no classes\n"), 0;
  const auto& labels = model.value()->labels();
  std::printf("%s\n", labels.empty() ? std::to_string(best.class_index).c_str()
                                     : labels[static_cast<std::size_t>(best.class_index)].c_str());
  return 0;
}
