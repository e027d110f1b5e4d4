// Files that cannot be opened or read, and limits where all of a picture is needed.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>

#include "tests/picture/golden_pictures.h"

namespace intvit::test {
namespace {

namespace fs = std::filesystem;

// The number that the next file gets.
int next_descriptor() {
  const int file = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  ::close(file);
  return file;
}

TEST_CASE("a picture's file is closed when it is read or refused") {
  const int before = next_descriptor();
  CHECK(read_picture(golden("rgb_8.png").string()).ok());
  CHECK(!read_picture(golden("no_scan.jpg").string()).ok());
  CHECK(next_descriptor() == before);
}

TEST_CASE("a file that cannot be opened or read says why") {
  const std::string path = golden("rgb_8.png").string();
  rlimit own{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &own) == 0);
  const rlimit none{0, own.rlim_max};
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &none) == 0);
  const Result<Picture> picture = read_picture(path);
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &own) == 0);
  check_refused(picture, path, "Too many open files");
  // A regular file, of which the first page cannot be read.
  check_refused(read_picture("/proc/self/mem"), "/proc/self/mem", "Input/output error");
  CHECK(read_picture("/proc/self/mem").status().code() == Code::io);
}

TEST_CASE("a socket is no picture") {
  const std::string path = (fs::temp_directory_path() / ("intvit_socket_" + std::to_string(::getpid()))).string();
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  REQUIRE(path.size() < sizeof address.sun_path);
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  const int socket = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  REQUIRE(::bind(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  check_refused(read_picture(path), path, "it is a socket");
  ::close(socket);
  fs::remove(path);
}

TEST_CASE("what follows the data of a PNG may be long, in memory and in a file of many blocks") {
  const fs::path path = fs::temp_directory_path() / ("intvit_long_" + std::to_string(::getpid()) + ".png");
  Bytes png = read_bytes(golden("rgb_8.png"));
  const Bytes end(png.end() - 12, png.end());
  Bytes chunk = {0, 2, 0, 0, 't', 'e', 'S', 't'};
  chunk.resize(chunk.size() + 0x20000 + 4);
  png.insert(png.end() - 12, chunk.begin(), chunk.end());
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(png.data()), static_cast<std::streamsize>(png.size()));
  CHECK(decode_picture(png, "long").ok());
  const Result<Picture> picture = read_picture(path.string());
  INFO(picture.status().message());
  CHECK(picture.ok());
  fs::remove(path);
}

TEST_CASE("turning needs the whole picture in memory, and what is to be turned may be refused") {
  PictureOptions options;
  options.exif_rotate = true;
  options.limits.memory_bytes = 100;
  const std::string turned = golden("exif_6.jpg").string(), plain = golden("baseline_420.jpg").string();
  check_refused(read_picture(turned, options), turned, "'memory'");
  if (!is_stb()) CHECK(PictureReader::open(plain, options).ok());
  options.limits = {};
  Bytes cut = read_bytes(turned);
  cut.resize(cut.size() - 2);
  check_refused(decode_picture(cut, "cut", options), "cut", "ends before");
}

TEST_CASE("limits hold for WebP") {
  if (is_stb()) return;  // which reads none
  const std::string path = golden("lossy.webp").string();
  PictureOptions options;
  options.limits.pixels = 100;
  check_refused(read_picture(path, options), path, "'pixels'");
  options.limits = {};
  options.limits.memory_bytes = 1000;
  check_refused(read_picture(path, options), path, "'memory'");
}

}  // namespace
}  // namespace intvit::test
