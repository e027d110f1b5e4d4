#include "engine/format/writer.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "engine/format/checksum.h"
#include "engine/format/layout.h"
#include "engine/format/program_codec.h"

namespace intvit {
namespace {

std::uint64_t align(std::uint64_t offset) {
  return (offset + kSectionAlignment - 1) / kSectionAlignment * kSectionAlignment;
}

Status io_error(const std::string& what, const std::string& path) {
  return {Code::io, "cannot " + what + " '" + path + "': " + std::strerror(errno)};
}

}  // namespace

std::vector<std::uint8_t> encode_model(const Program& program, const Metadata& metadata) {
  std::vector<std::uint64_t> offsets;
  std::vector<std::uint8_t> data;
  for (const Constant& constant : program.constants) {
    data.resize(align(data.size()));
    offsets.push_back(data.size());
    data.insert(data.end(), constant.bytes.begin(), constant.bytes.end());
  }
  const std::vector<std::uint8_t> contents[kSectionCount] = {encode_metadata(metadata),
                                                             encode_program(program, offsets), std::move(data)};
  SectionRecord table[kSectionCount];
  std::uint64_t at = sizeof(FileHeader) + sizeof table;
  for (std::uint32_t i = 0; i < kSectionCount; ++i) {
    at = align(at);
    table[i] = {i + 1, 0, at, contents[i].size(), checksum64(contents[i])};
    at += contents[i].size();
  }
  FileHeader header{};
  header.magic = kMagic;
  header.container_major = kContainerMajor;
  header.container_minor = kContainerMinor;
  header.op_set = kOpSet;
  header.file_size = at;
  header.section_count = kSectionCount;
  header.section_table_checksum = checksum64({reinterpret_cast<const std::uint8_t*>(table), sizeof table});

  std::vector<std::uint8_t> file(at);
  std::memcpy(file.data(), &header, sizeof header);
  std::memcpy(file.data() + sizeof header, table, sizeof table);
  for (std::uint32_t i = 0; i < kSectionCount; ++i) {
    std::copy(contents[i].begin(), contents[i].end(), file.begin() + static_cast<std::ptrdiff_t>(table[i].offset));
  }
  return file;
}

Status write_file_atomically(const std::string& path, std::span<const std::uint8_t> bytes) {
  std::string temporary = path + ".XXXXXX";
  const int fd = ::mkstemp(temporary.data());
  if (fd < 0) return io_error("create", temporary);
  const auto fail = [&](const char* what) {
    const Status status = io_error(what, path);
    ::close(fd);
    ::unlink(temporary.c_str());
    return status;
  };
  for (std::size_t at = 0; at < bytes.size();) {
    const ssize_t written = ::write(fd, bytes.data() + at, bytes.size() - at);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return fail("write");
    at += static_cast<std::size_t>(written);
  }
  // mkstemp makes the file private; give it what any new file would have.
  const mode_t mask = ::umask(0);
  ::umask(mask);
  if (::fchmod(fd, 0666 & ~mask) != 0 || ::fsync(fd) != 0) return fail("write");
  if (::rename(temporary.c_str(), path.c_str()) != 0) return fail("rename to");
  ::close(fd);
  return {};
}

}  // namespace intvit
