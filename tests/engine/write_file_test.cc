// How the tools write files: in one step, through links, and with nothing left behind.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>
#include <vector>

#include "engine/format/writer.h"

namespace intvit::test {
namespace {

namespace fs = std::filesystem;

using Write = Status (*)(const std::string& path, std::span<const std::uint8_t> bytes);

// A folder that ends with the scope.
class Folder {
 public:
  Folder() {
    std::string pattern = (fs::temp_directory_path() / "intvit_write_XXXXXX").string();
    REQUIRE(::mkdtemp(pattern.data()) != nullptr);
    path_ = pattern;
  }
  ~Folder() { fs::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  std::string operator/(const std::string& name) const { return (path_ / name).string(); }
  std::size_t count() const {
    return static_cast<std::size_t>(std::distance(fs::directory_iterator(path_), fs::directory_iterator()));
  }

 private:
  fs::path path_;
};

std::vector<std::uint8_t> bytes_of(const std::string& text) { return {text.begin(), text.end()}; }

std::string text_in(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

void leave(const std::string& path, const std::string& text) { std::ofstream(path) << text; }

TEST_CASE("write_file: a file is made, replaced and found through links") {
  for (const Write write : {write_file_atomically, write_file_by_name}) {
    const Folder folder;
    CHECK(write(folder / "a", bytes_of("one")).ok());
    CHECK(text_in(folder / "a") == "one");
    CHECK(write(folder / "a", bytes_of("two")).ok());
    CHECK(text_in(folder / "a") == "two");
    fs::create_symlink("a", folder / "link");
    fs::create_symlink("link", folder / "second");
    CHECK(write(folder / "second", bytes_of("three")).ok());
    CHECK(fs::is_symlink(folder / "second"));
    CHECK(fs::is_symlink(folder / "link"));
    CHECK(text_in(folder / "a") == "three");
    fs::create_symlink("new", folder / "dangling");
    CHECK(write(folder / "dangling", bytes_of("four")).ok());
    CHECK(text_in(folder / "new") == "four");
    CHECK(folder.count() == 5);
    const std::string name(250, 'n');
    CHECK(write(folder / name, bytes_of("long")).ok());
    CHECK(text_in(folder / name) == "long");
    const mode_t mask = ::umask(027);
    CHECK(write(folder / "mode", bytes_of("x")).ok());
    ::umask(mask);
    CHECK(fs::status(folder / "mode").permissions() == fs::perms(0640));
  }
}

TEST_CASE("write_file: what cannot be written is an error and leaves nothing") {
  for (const Write write : {write_file_atomically, write_file_by_name}) {
    const Folder folder;
    fs::create_directory(folder / "d");
    for (const std::string& path : {folder / "none/a", folder / "d"}) {
      const Status status = write(path, bytes_of("x"));
      CHECK(status.code() == Code::io);
      CHECK(status.message().find("'" + path + "'") != std::string::npos);
    }
    fs::create_symlink("loop", folder / "loop");
    CHECK(write(folder / "loop", bytes_of("x")).ok());  // a loop is no file that somebody may miss
    leave(folder / "kept", "old");
    struct rlimit limit {};
    REQUIRE(::getrlimit(RLIMIT_FSIZE, &limit) == 0);
    struct rlimit small = limit;
    small.rlim_cur = 1000;
    const auto handler = std::signal(SIGXFSZ, SIG_IGN);
    REQUIRE(::setrlimit(RLIMIT_FSIZE, &small) == 0);
    const Status full = write(folder / "kept", std::vector<std::uint8_t>(2000));
    REQUIRE(::setrlimit(RLIMIT_FSIZE, &limit) == 0);
    std::signal(SIGXFSZ, handler);
    CHECK(full.code() == Code::io);
    CHECK(full.message() == "cannot write '" + (folder / "kept") + "': File too large");
    CHECK(text_in(folder / "kept") == "old");
    CHECK(folder.count() == 3);
  }
}

TEST_CASE("write_file: leftovers are removed, what is being written is not") {
  for (const Write write : {write_file_atomically, write_file_by_name}) {
    const Folder folder;
    leave(folder / "a", "old");
    leave(folder / ".a.intvit-0", "left");
    CHECK(write(folder / "a", bytes_of("new")).ok());
    CHECK(folder.count() == 1);
    leave(folder / ".a.intvit-0", "being written");
    const int other = ::open((folder / ".a.intvit-0").c_str(), O_WRONLY);
    REQUIRE(::flock(other, LOCK_EX) == 0);
    CHECK(write(folder / "a", bytes_of("newer")).ok());
    CHECK(text_in(folder / "a") == "newer");
    CHECK(text_in(folder / ".a.intvit-0") == "being written");
    CHECK(folder.count() == 2);
    ::close(other);
  }
}

TEST_CASE("write_file: what is no regular file is written to") {
  const Folder folder;
  REQUIRE(::mkfifo((folder / "pipe").c_str(), 0600) == 0);
  std::string read;
  std::thread reader([&] { read = text_in(folder / "pipe"); });
  CHECK(write_file_atomically(folder / "pipe", bytes_of("through")).ok());
  reader.join();
  CHECK(read == "through");
  CHECK(fs::is_fifo(folder / "pipe"));
}

TEST_CASE("write_file: two that write the same file") {
  for (const Write write : {write_file_atomically, write_file_by_name}) {
    const Folder folder;
    const auto many = [&](char letter) {
      for (int i = 0; i < 20; ++i) {
        if (!write(folder / "a", std::vector<std::uint8_t>(100, static_cast<std::uint8_t>(letter))).ok()) std::abort();
      }
    };
    std::thread other(many, 'x');
    many('y');
    other.join();
    const std::string text = text_in(folder / "a");
    CHECK((text == std::string(100, 'x') || text == std::string(100, 'y')));
    CHECK(folder.count() == 1);
  }
}

}  // namespace
}  // namespace intvit::test
