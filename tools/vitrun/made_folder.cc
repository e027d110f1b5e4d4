#include "tools/vitrun/made_folder.h"

#include <filesystem>
#include <system_error>

namespace intvit {

namespace fs = std::filesystem;

Status make_folder(const std::string& what, const std::string& folder) {
  std::error_code error;
  if (fs::is_directory(folder, error)) return {};
  if (fs::exists(folder, error)) {
    return {Code::invalid_argument,
            "cannot write " + what + " to '" + folder + "': it is no folder; give the name of one"};
  }
  fs::create_directory(folder, error);
  if (!error) return {};
  return {Code::invalid_argument, "cannot make the folder '" + folder + "': " + error.message()};
}

}  // namespace intvit
