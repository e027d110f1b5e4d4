#include "engine/run/outputs_digest.h"

#include <cstddef>
#include <vector>

#include "engine/format/checksum.h"

namespace intvit {
namespace {

constexpr int kSelftestPictures = 3;

std::vector<std::uint8_t> selftest_pixels(std::uint32_t k, int width, int height) {
  std::vector<std::uint8_t> pixels;
  pixels.reserve(std::size_t{3} * static_cast<std::size_t>(width) * static_cast<std::size_t>(height));
  std::uint32_t noise = k;
  for (std::uint32_t y = 0; y < static_cast<std::uint32_t>(height); ++y) {
    for (std::uint32_t x = 0; x < static_cast<std::uint32_t>(width); ++x) {
      for (std::uint32_t c = 0; c < 3; ++c) {
        noise = 1664525 * noise + 1013904223;
        pixels.push_back(static_cast<std::uint8_t>((3 + k) * x + (5 + k) * y + 85 * c + (x * y >> 4) + (noise >> 27)));
      }
    }
  }
  return pixels;
}

}  // namespace

std::uint64_t outputs_digest(const Session& session, int index) {
  std::uint64_t digest = 0;
  std::vector<std::uint8_t> bytes;
  for (std::size_t i = 0; i < session.model().outputs().size(); ++i) {
    const OutputView output = session.output(index, i);
    const int bits = 8 * static_cast<int>(byte_size(output.type));
    bytes.clear();
    for (int r = 0; r < output.rows; ++r) {
      for (int c = 0; c < output.columns; ++c) {
        const auto value = static_cast<std::uint32_t>(output.at(r, c));
        for (int shift = 0; shift < bits; shift += 8) bytes.push_back(static_cast<std::uint8_t>(value >> shift));
      }
    }
    digest = checksum64(bytes, digest);
  }
  return digest;
}

Result<std::uint64_t> selftest_digest(Session& session) {
  std::uint64_t digest = 0;
  for (int k = 0; k < kSelftestPictures; ++k) {
    const int width = 61 + 150 * k, height = 97 + 40 * k;
    const std::vector<std::uint8_t> pixels = selftest_pixels(static_cast<std::uint32_t>(k), width, height);
    if (Status status = session.set_picture(0, {pixels.data(), width, height, 3 * width, PixelFormat::rgb});
        !status.ok()) {
      return status;
    }
    session.run();
    std::vector<std::uint8_t> bytes;
    for (int shift = 0; shift < 64; shift += 8) {
      bytes.push_back(static_cast<std::uint8_t>(outputs_digest(session, 0) >> shift));
    }
    digest = checksum64(bytes, digest);
  }
  return digest;
}

}  // namespace intvit
