// The files of tests/golden/models.
#pragma once

#include <filesystem>
#include <vector>

namespace intvit::test {

std::filesystem::path golden_models_folder();

// All model files there, by name.
std::vector<std::filesystem::path> golden_model_files();

}  // namespace intvit::test
