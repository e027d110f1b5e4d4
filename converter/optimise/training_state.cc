#include "converter/optimise/training_state.h"

#include <filesystem>

#include "converter/read/message.h"

namespace intvit {
namespace {

constexpr const char* kWhat = "state of --optimise";

}  // namespace

Result<TrainingState> TrainingState::open(std::string path, FileKey key, Note note) {
  TrainingState state;
  state.path_ = std::move(path);
  state.note_ = std::move(note);
  Result<OpenedFile> opened = open_keyed_file(state.path_, kWhat, std::move(key));
  if (!opened.ok()) return opened.status();
  if (const std::string& other = opened.value().other; !other.empty()) {
    return Status(Code::invalid_argument, "the state of --optimise in " + in_quotes(state.path_) + " is of another " +
                                              other + "; remove it or give another name");
  }
  state.written_ = opened.value().there;
  state.file_ = opened.take().file;
  return state;
}

const std::string* TrainingState::find(std::uint32_t part) const {
  const auto found = file_.entries.find(part);
  return found == file_.entries.end() ? nullptr : &found->second;
}

void TrainingState::keep(std::uint32_t part, std::string entry) {
  file_.entries[part] = std::move(entry);
  if (failed_) return;
  const Status status = write_keyed_file(path_, kWhat, file_);
  failed_ = !status.ok();
  written_ = written_ || status.ok();
  if (failed_) note_(status.message() + "; the conversion goes on, but cannot be resumed");
}

void TrainingState::remove() {
  std::error_code ignored;
  if (written_) std::filesystem::remove(path_, ignored);
  written_ = false;
}

}  // namespace intvit
