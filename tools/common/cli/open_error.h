// Why a file could not be opened, or a folder listed.
#pragma once

#include <cerrno>
#include <string>
#include <system_error>

#include "intvit/status.h"

namespace intvit {

// Of streams, which say it in errno alone. `complaint` says which file, as in "cannot open the labels file
// 'names.txt'". To be called before anything else can change errno; `otherwise` is the code of all reasons but a lack
// of memory.
inline Status open_error(const std::string& complaint, Code otherwise) {
  const int error = errno;
  return {error == ENOMEM ? Code::out_of_memory : otherwise, complaint + ": " + std::generic_category().message(error)};
}

// Why a folder could not be listed: out_of_memory or io.
inline Status list_error(const std::string& folder, const std::error_code& error) {
  return {error == std::errc::not_enough_memory ? Code::out_of_memory : Code::io,
          "cannot list the folder " + folder + ": " + error.message()};
}

}  // namespace intvit
