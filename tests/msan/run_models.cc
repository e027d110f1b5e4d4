// Whole models on pictures, with scalar kernels: the golden digests once more, in a program that prints nothing by
// streams (standard_library.cc). For MemorySanitizer's build.
//   run_models FOLDER    tests/golden/models
#include <cinttypes>
#include <cstdio>
#include <memory>
#include <string>

#include "engine/run/outputs_digest.h"
#include "intvit/model.h"
#include "intvit/picture.h"
#include "intvit/session.h"

namespace {

using namespace intvit;

Result<std::uint64_t> digest_of(const std::string& file, const std::string& picture_file, int threads) {
  auto model = Model::open(file);
  if (!model.ok()) return model.status();
  auto session = Session::create(model.take(), {threads, 1, Isa::scalar, false});
  if (!session.ok()) return session.status();
  const auto picture = read_picture(picture_file);
  if (!picture.ok()) return picture.status();
  const Status status = session.value()->set_picture(0, picture.value().view());
  if (!status.ok()) return status;
  session.value()->run();
  return outputs_digest(*session.value(), 0);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return std::fputs("usage: run_models FOLDER\n", stderr), 2;
  const std::string folder = argv[1];
  std::FILE* list = std::fopen((folder + "/digests.txt").c_str(), "r");
  if (list == nullptr) return std::perror(folder.c_str()), 2;
  char model[100], picture[100];
  std::uint64_t expected = 0;
  int right = 0, wrong = 0;
  while (std::fscanf(list, "%99s %" SCNx64 " %99s", model, &expected, picture) == 3) {
    for (const int threads : {1, 2}) {
      const auto digest = digest_of(folder + "/demo_" + model + ".bin", folder + "/pictures/" + picture, threads);
      const bool is_right = digest.ok() && digest.value() == expected;
      ++(is_right ? right : wrong);
      if (!is_right)
        std::printf("%s, %s: %s\n", model, picture, digest.ok() ? "another digest" : digest.status().message().c_str());
    }
  }
  std::fclose(list);
  std::printf("%d digests are as recorded, %d are not\n", right, wrong);
  return right > 0 && wrong == 0 ? 0 : 1;
}
