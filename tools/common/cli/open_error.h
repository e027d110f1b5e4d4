// Why a file could not be opened. Streams say it in errno alone.
#pragma once

#include <cerrno>
#include <string>
#include <system_error>

#include "intvit/status.h"

namespace intvit {

// `complaint` says which file, as in "cannot open the labels file 'names.txt'". To be called before anything else can
// change errno; `otherwise` is the code of all reasons but a lack of memory.
inline Status open_error(const std::string& complaint, Code otherwise) {
  const int error = errno;
  return {error == ENOMEM ? Code::out_of_memory : otherwise, complaint + ": " + std::generic_category().message(error)};
}

}  // namespace intvit
