// classify MODEL PICTURE: prints the most probable class's logit and name.
#include <cstdio>

#include "intvit/intvit.hpp"
#include "intvit/picture.h"

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  const auto model = intvit::Model::open(argv[1]);
  if (!model.ok()) return std::fprintf(stderr, "%s\n", model.status().message().c_str()), 1;
  auto session = intvit::Session::create(model.value(), {});
  if (!session.ok()) return std::fprintf(stderr, "%s\n", session.status().message().c_str()), 1;
  const auto picture = intvit::read_picture(argv[2]);
  if (!picture.ok()) return std::fprintf(stderr, "%s\n", picture.status().message().c_str()), 1;
  const intvit::Status status = session.value()->set_picture(0, picture.value().view());
  if (!status.ok()) return std::fprintf(stderr, "%s\n", status.message().c_str()), 1;
  session.value()->run();
  intvit::ClassLogit best;
  intvit::best_classes(session.value()->logits(0), &best, 1);
  std::printf("%d %s\n", static_cast<int>(best.logit),
              model.value()->labels()[static_cast<std::size_t>(best.class_index)].c_str());
}
