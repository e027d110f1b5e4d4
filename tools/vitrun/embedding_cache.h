// Embeddings of pictures in a file, so that a folder is embedded once: --cache. The file knows its model's digest and
// of each picture the path, size and time of its last change; a picture that is not what it was is embedded again.
//
// Bytes: `INTVITEC`, u32 version, u32 D, u64 digest of the model, u64 count; for each picture u32 length of its path,
// the path, u64 size, s64 time in nanoseconds, D float32; in the end the XXH64 of all before. Little-endian.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "intvit/status.h"
#include "tools/common/results/outputs.h"

namespace intvit {

// What tells whether a picture's file is still the same.
struct FileStamp {
  std::uint64_t size = 0;
  std::int64_t time = 0;

  bool operator==(const FileStamp&) const = default;
};

// nullopt if there is no such file.
std::optional<FileStamp> stamp_of(const std::string& path);

class EmbeddingCache {
 public:
  // Of embeddings of `columns` values. An empty path: nothing is kept.
  EmbeddingCache(std::string path, std::uint64_t model_digest, int columns);

  // Reads the file. One that is missing is empty; so is one that is damaged or of another model, which `note` then
  // tells. An error only if the file is something else, which is not to be overwritten, or cannot be written later.
  Status open(std::string& note);

  // Null if the picture is not there or has changed.
  const RealValues* find(const std::string& path) const;
  // `stamp` is from before the picture was read, so that a change meanwhile is not missed.
  void put(const std::string& path, const FileStamp& stamp, RealValues embedding);

  // Does nothing if nothing was put. Pictures that are gone are left out.
  Status write();

 private:
  struct Entry {
    FileStamp stamp;
    RealValues values;
  };

  // What is wrong with the bytes; empty if they are a cache of this model.
  std::string parse(const std::string& bytes);

  std::string path_;
  std::uint64_t model_digest_;
  std::size_t columns_;
  std::map<std::string, Entry> entries_;  // by absolute path
  bool changed_ = false;
};

}  // namespace intvit
