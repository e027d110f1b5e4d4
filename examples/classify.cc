// The library in thirty lines: classify one raw RGB picture.
//   classify MODEL PIXELS WIDTH HEIGHT     PIXELS is a file of WIDTH * HEIGHT * 3 bytes
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <vector>

#include "intvit/session.h"

namespace {

int fail(const intvit::Status& status) {
  std::fprintf(stderr, "classify: %s\n", status.message().c_str());
  return 1;
}

}  // namespace

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
  auto session = intvit::Session::create(model.value(), {.threads = 2, .isa = {}});
  if (!session.ok()) return fail(session.status());
  const auto* pixels = reinterpret_cast<const std::uint8_t*>(bytes.data());
  const intvit::Status status = session.value()->set_picture(0, {pixels, width, height, width * 3});
  if (!status.ok()) return fail(status);
  session.value()->run();

  const auto logits = session.value()->logits(0);
  const auto best = std::max_element(logits.begin(), logits.end()) - logits.begin();
  const auto& labels = model.value()->labels();
  std::printf("%s\n", labels.empty() ? std::to_string(best).c_str() : labels[static_cast<std::size_t>(best)].c_str());
  return 0;
}
