// Files that users write or tools wrote earlier, of any bytes: labels, lists of pictures, configurations of
// checkpoints, tables of NumPy, plans, rows of vitbench, and files that vitconvert keeps between two runs. The first
// byte says which reader gets the rest. Each must give what it reads or a Status with a message.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "bench/vitbench/old_rows.h"
#include "converter/plan/plan.h"
#include "converter/read/config.h"
#include "converter/read/keyed_file.h"
#include "converter/read/npy_file.h"
#include "engine/format/byte_stream.h"
#include "engine/format/checksum.h"
#include "tools/common/pictures/labels_file.h"
#include "tools/common/pictures/picture_list.h"

namespace {

using namespace intvit;

// For readers that take paths; gone with the process.
struct Folder {
  std::string path = "/tmp/fuzz_texts.XXXXXX";
  Folder() {
    if (mkdtemp(path.data()) == nullptr) std::abort();
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  }
};

const std::string& folder() {
  static const Folder made;
  return made.path;
}

std::string written(const char* name, std::string_view text) {
  const std::string path = folder() + "/" + name;
  std::FILE* file = std::fopen(path.c_str(), "wb");
  if (file == nullptr || std::fwrite(text.data(), 1, text.size(), file) != text.size()) std::abort();
  std::fclose(file);
  return path;
}

// Behind the right first words, and with the right checksum.
std::string as_keyed_file(std::string_view text) {
  ByteWriter bytes, end;
  bytes.string("intvit calibration cache 1");
  std::vector<std::uint8_t> content = bytes.take();
  content.insert(content.end(), text.begin(), text.end());
  end.u64(checksum64(content));
  for (const std::uint8_t byte : end.take()) content.push_back(byte);
  return {content.begin(), content.end()};
}

void require_message(const Status& status) {
  if (!status.ok() && status.message().empty()) __builtin_trap();
}

void read_a_config(const char* name, Naming naming, std::string_view text) {
  const std::string path = written(name, text);
  std::vector<std::string> notes;
  require_message(read_config(folder(), naming, notes).status());
  std::remove(path.c_str());  // the next one may have another name
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0]) {
    case 'L':
      require_message(read_labels(written("file", text), 3).status());
      break;
    case 'P':
      require_message(read_picture_list(written("file", text), 999).status());
      break;
    case 'C':
      read_a_config("config.json", Naming::timm, text);
      break;
    case 'T':
      read_a_config("config.json", Naming::transformers, text);
      break;
    case 'O':
      read_a_config("open_clip_config.json", Naming::open_clip, text);
      break;
    case 'N':
      require_message(read_npy(written("file", text)).status());
      break;
    case 'J': {
      const auto plan = plan_from_json(std::string(text), "fuzz");
      require_message(plan.status());
      // What is read can be written and read again.
      if (plan.ok() && !plan_from_json(plan_to_json(plan.value()), "again").ok()) __builtin_trap();
      break;
    }
    case 'K':
      require_message(open_keyed_file(written("file", as_keyed_file(text)), "calibration cache", {}).status());
      break;
    case 'B':
      require_message(bench::parse_old_rows(std::string(text)).status());
      break;
    default:
      break;
  }
  return 0;
}
