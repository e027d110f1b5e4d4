# vitrun takes about as long to start as to decode a small picture, and shared libraries are half of that. So it is linked
# statically where that works.
option(INTVIT_STATIC_VITRUN "Link vitrun statically where that works: it starts sooner" ON)

set(INTVIT_STATIC_FLAG)  # what links a program statically; empty if nothing does
string(TOUPPER "${CMAKE_BUILD_TYPE}" configuration)
if(INTVIT_TOOLS AND INTVIT_STATIC_VITRUN AND CMAKE_SYSTEM_NAME STREQUAL "Linux" AND NOT BUILD_SHARED_LIBS
   AND NOT "${CMAKE_CXX_FLAGS} ${CMAKE_CXX_FLAGS_${configuration}}" MATCHES "-fsanitize")
  include(CheckCXXSourceCompiles)
  # Before 2.34 glibc's threads were a library of their own, of which a static program could miss parts.
  set(program "#include <thread>
    #if defined(__GLIBC__) && __GLIBC__ * 100 + __GLIBC_MINOR__ < 234
    #error
    #endif
    int main() { std::thread([] {}).join(); }")
  # The first keeps the program's addresses random.
  foreach(flag -static-pie -static)
    set(CMAKE_REQUIRED_LINK_OPTIONS ${flag})
    check_cxx_source_compiles("${program}" INTVIT_LINKS_WITH${flag})
    if(INTVIT_LINKS_WITH${flag})
      set(INTVIT_STATIC_FLAG ${flag})
      break()
    endif()
  endforeach()
  unset(CMAKE_REQUIRED_LINK_OPTIONS)
endif()
