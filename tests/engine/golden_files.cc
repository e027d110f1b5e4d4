#include "tests/engine/golden_files.h"

#include <algorithm>
#include <string>

namespace intvit::test {

std::filesystem::path golden_models_folder() { return std::filesystem::path(INTVIT_GOLDEN_DIR) / "models"; }

std::vector<std::filesystem::path> golden_model_files() {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(golden_models_folder())) {
    if (entry.path().extension() == ".bin") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace intvit::test
