#include "tools/common/machine/build_info.h"

#include "engine/run/select_isa.h"
#include "intvit/isa.h"
#include "intvit/picture.h"

namespace intvit {

extern const char* const kBuildCommit;  // cmake/commit.cmake writes it

std::string built_isa_names() {
  std::string names;
  for (int i = 0; i < kIsaCount; ++i) {
    const Isa isa = static_cast<Isa>(i);
    if (isa_is_built(isa)) names += (names.empty() ? "" : ", ") + std::string(isa_name(isa));
  }
  return names;
}

std::string version() {
#ifdef INTVIT_VERSION  // engine/CMakeLists.txt
  return INTVIT_VERSION;
#else
  return "unknown";
#endif
}

std::string commit() { return kBuildCommit; }

std::string compiler() {
#ifdef __clang__
  return "clang " + std::to_string(__clang_major__) + "." + std::to_string(__clang_minor__) + "." +
         std::to_string(__clang_patchlevel__);
#else
  return "gcc " + std::to_string(__GNUC__) + "." + std::to_string(__GNUC_MINOR__) + "." +
         std::to_string(__GNUC_PATCHLEVEL__);
#endif
}

std::string build_type() {
#ifdef INTVIT_BUILD_TYPE  // engine/CMakeLists.txt
  return INTVIT_BUILD_TYPE;
#elif defined(__OPTIMIZE__)
  return "optimised";
#else
  return "not optimised";
#endif
}

std::string build_flags() {
#ifdef INTVIT_BUILD_FLAGS  // engine/CMakeLists.txt
  return INTVIT_BUILD_FLAGS;
#else
  return "unknown";
#endif
}

std::string version_text(const std::string& tool) {
  const Result<Isa> isa = select_isa("");
  return tool + " " + version() + "\ncommit     " + commit() + "\ncompiler   " + compiler() + ", " + build_type() +
         "\nbuilt for  " + built_isa_names() + "\navailable  " + available_isa_names() + "\npictures   " +
         picture_decoders() + "\nused       " +
         (isa.ok() ? std::string(isa_name(isa.value())) : "none: " + isa.status().message());
}

}  // namespace intvit
