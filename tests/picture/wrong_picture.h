// A file that no encoder writes, and what its refusal says with each kind of decoders; nullptr: it is read all the
// same.
#pragma once

#include <initializer_list>

#include "tests/picture/golden_pictures.h"

namespace intvit::test {

struct WrongPicture {
  const char* name;
  Bytes file;
  const char* libs;
  const char* stb;
};

inline void check_wrong(const WrongPicture& wrong) {
  const Result<Picture> picture = decode_picture(wrong.file, wrong.name);
  const char* reason = is_stb() ? wrong.stb : wrong.libs;
  if (reason != nullptr) return check_refused(picture, wrong.name, reason);
  INFO(wrong.name, ": ", picture.status().message());
  CHECK(picture.ok());
}

inline Bytes joined(std::initializer_list<Bytes> parts) {
  Bytes all;
  for (const Bytes& part : parts) all.insert(all.end(), part.begin(), part.end());
  return all;
}

}  // namespace intvit::test
