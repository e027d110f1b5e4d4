// The tables of library_names.h: one for each library whose names are not timm's. Internal to models/.
#pragma once

#include <span>

#include "models/library_names.h"
#include "models/tensor_names.h"

namespace intvit {

// Stands for the decimal number of a stage or block in the tables.
constexpr char kNumber = '#';

// The library's first number is scale * canonical + offset.
struct NamePair {
  const char* library;
  const char* canonical;
  TensorPart part = TensorPart::whole;
  int scale = 1;
  int offset = 0;
};

// Empty for timm.
std::span<const NamePair> name_pairs(Naming naming);

}  // namespace intvit
