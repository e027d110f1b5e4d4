// What training by gradients has come to, in a file, from which an interrupted conversion goes on: it makes again what
// takes little time, and takes from the file the plan and what the training of each part gave. The bytes of the model
// are those of a conversion that was not interrupted.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "converter/read/keyed_file.h"
#include "intvit/status.h"

namespace intvit {

class TrainingState {
 public:
  using Note = std::function<void(const std::string&)>;

  // The key is all that the plan and the training depend on. invalid_argument for a file of another key, corrupt_file
  // for one that is damaged or of another kind. `note` is told once if the file cannot be written, which ends nothing.
  static Result<TrainingState> open(std::string path, FileKey key, Note note);

  // Of part `part`; null if there is nothing.
  const std::string* find(std::uint32_t part) const;

  // Writes the file anew.
  void keep(std::uint32_t part, std::string entry);

  // The conversion is done.
  void remove();

  static constexpr std::uint32_t kPlan = 0, kNetwork = 1, kFirstModule = 2;

 private:
  std::string path_;
  Note note_;
  KeyedFile file_;
  bool written_ = false, failed_ = false;
};

}  // namespace intvit
