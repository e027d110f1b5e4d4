// Frames from memory, as a camera gives them, and how many of them a second: BGRA, two at a time, the classes of each.
//   frames MODEL COUNT
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "intvit/intvit.hpp"

static constexpr int kWidth = 160, kHeight = 120, kBatch = 2;

// Stands in for the camera: stripes that wander.
static void grab(int number, std::vector<std::uint8_t>& frame) {
  for (std::size_t i = 0; i < frame.size(); ++i) frame[i] = static_cast<std::uint8_t>((i / 4 + 16 * number) % 251);
}

int main(int argc, char** argv) {
  const int count = argc == 3 ? std::atoi(argv[2]) : 0;
  if (count < 1) return std::fprintf(stderr, "usage: frames MODEL COUNT\n"), 2;
  const auto model = intvit::Model::open(argv[1]);
  intvit::SessionOptions options;
  options.threads = options.batch = kBatch;  // a frame for each thread
  auto created = model.ok() ? intvit::Session::create(model.value(), options) : model.status();
  if (!created.ok()) return std::fprintf(stderr, "frames: %s\n", created.status().message().c_str()), 1;
  intvit::Session& session = *created.value();

  std::vector<std::uint8_t> frame(kWidth * kHeight * 4);
  const auto begin = std::chrono::steady_clock::now();
  for (int first = 0; first < count; first += kBatch) {
    const int now = count - first < kBatch ? count - first : kBatch;
    for (int i = 0; i < now; ++i) {
      grab(first + i, frame);
      const intvit::PictureView view{frame.data(), kWidth, kHeight, kWidth * 4, intvit::PixelFormat::bgra};
      const intvit::Status status = session.set_picture(i, view);  // keeps nothing of the frame
      if (!status.ok()) return std::fprintf(stderr, "frames: %s\n", status.message().c_str()), 1;
    }
    session.run(now);
    for (int i = 0; i < now; ++i) {
      intvit::ClassLogit best;
      intvit::best_classes(session.logits(i), &best, 1);
      std::printf("frame %d: class %d, logit %d\n", first + i, best.class_index, best.logit);
    }
  }
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
  std::fprintf(stderr, "%.1f frames per second\n", count / seconds.count());
  return 0;
}
