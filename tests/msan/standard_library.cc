// What MemorySanitizer does not see: the standard library is not instrumented, so what its functions write first counts
// as uninitialised. Templates are instantiated in our code (all_templates.h); the few functions below are not
// templates. Each calls the library's and then says what that has written, or does its work.
#include <dlfcn.h>
#include <sanitizer/msan_interface.h>

#include <bits/stl_tree.h>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <ios>
#include <list>
#include <locale>
#include <string>
#include <system_error>

namespace {

template <typename Function>
Function* library(const char* name) {
  void* found = dlsym(RTLD_NEXT, name);
  if (found == nullptr) std::abort();
  return reinterpret_cast<Function*>(found);
}

}  // namespace

namespace std {

void _Rb_tree_insert_and_rebalance(const bool left, _Rb_tree_node_base* node, _Rb_tree_node_base* parent,
                                   _Rb_tree_node_base& header) noexcept {
  static auto* const real = library<void(bool, _Rb_tree_node_base*, _Rb_tree_node_base*, _Rb_tree_node_base&)>(
      "_ZSt29_Rb_tree_insert_and_rebalancebPSt18_Rb_tree_node_baseS0_RS_");
  real(left, node, parent, header);
  __msan_unpoison(node, sizeof *node);
}

namespace __detail {

void _List_node_base::_M_hook(_List_node_base* const position) noexcept {
  static auto* const real =
      library<void(_List_node_base*, _List_node_base*)>("_ZNSt8__detail15_List_node_base7_M_hookEPS0_");
  real(this, position);
  __msan_unpoison(this, sizeof *this);
}

}  // namespace __detail
}  // namespace std

// Constructors. Each has its own name, which is that of the object file.
#define CONSTRUCTOR(Class, name)                           \
  extern "C" void name(void* self) {                       \
    static auto* const real = library<void(void*)>(#name); \
    real(self);                                            \
    __msan_unpoison(self, sizeof(Class));                  \
  }
#define COPY_CONSTRUCTOR(Class, name)                                   \
  extern "C" void name(void* self, const void* other) {                 \
    static auto* const real = library<void(void*, const void*)>(#name); \
    real(self, other);                                                  \
    __msan_unpoison(self, sizeof(Class));                               \
  }

CONSTRUCTOR(std::ios_base, _ZNSt8ios_baseC2Ev)
CONSTRUCTOR(std::locale, _ZNSt6localeC1Ev)
COPY_CONSTRUCTOR(std::locale, _ZNSt6localeC1ERKS_)
// The parts of a path, which have a pointer.
CONSTRUCTOR(void*, _ZNSt10filesystem7__cxx114path5_ListC1Ev)
COPY_CONSTRUCTOR(void*, _ZNSt10filesystem7__cxx114path5_ListC1ERKS2_)

// The text of a path that has grown.
extern "C" std::filesystem::path* _ZNSt10filesystem7__cxx114pathdVERKS1_(std::filesystem::path* self,
                                                                         const void* other) {
  static auto* const real =
      library<void*(std::filesystem::path*, const void*)>("_ZNSt10filesystem7__cxx114pathdVERKS1_");
  real(self, other);
  __msan_unpoison(self->c_str(), self->native().size() + 1);
  return self;
}

// Compares what it has written itself.
extern "C" void _ZNKSt5ctypeIcE13_M_widen_initEv(const void* self) {
  static auto* const real = library<void(const void*)>("_ZNKSt5ctypeIcE13_M_widen_initEv");
  __msan_scoped_disable_interceptor_checks();
  real(self);
  __msan_scoped_enable_interceptor_checks();
}

// Made here instead, so that its text is known.
std::filesystem::path std::filesystem::temp_directory_path() {
  const char* folder = std::getenv("TMPDIR");
  return folder != nullptr ? folder : "/tmp";
}

namespace {

struct GenericCategory : std::error_category {
  const char* name() const noexcept override { return "generic"; }
  std::string message(int code) const override { return std::strerror(code); }
};

}  // namespace

const std::error_category& std::_V2::generic_category() noexcept {
  static const GenericCategory category;
  return category;
}
