# The one table of instruction sets: name -> compiler flags. Only files named *_<isa>.cc under kernels/, bench/peak/
# and converter/float/vectors/ get them, each set in object libraries of its own, so that a test can prove that nothing
# compiled for a newer CPU leaks into the rest.
if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(aarch64|arm64)$")
  set(INTVIT_CPU_FAMILY arm)
  set(known_isas scalar)
else()
  set(INTVIT_CPU_FAMILY x86)
  set(known_isas scalar avx2 avxvnni avx512vnni amx)
endif()
set(INTVIT_ISAS "${known_isas}" CACHE STRING
  "Instruction sets to build kernels for, a semicolon between them; scalar, which the others are compared with, is one always")
foreach(isa IN LISTS INTVIT_ISAS)
  if(NOT isa IN_LIST known_isas)
    message(FATAL_ERROR "INTVIT_ISAS: '${isa}' is unknown; choose from ${known_isas}")
  endif()
endforeach()
if(NOT scalar IN_LIST INTVIT_ISAS)
  message(FATAL_ERROR "INTVIT_ISAS is '${INTVIT_ISAS}', without scalar; every build needs it, add it")
endif()
set(INTVIT_ISA_FLAGS_scalar "")
set(INTVIT_ISA_FLAGS_avx2 -mavx2)
set(INTVIT_ISA_FLAGS_avxvnni -mavx2 -mavxvnni)
set(INTVIT_ISA_FLAGS_avx512vnni -mavx512f -mavx512bw -mavx512dq -mavx512vl -mavx512vnni
    # gcc 12's own intrinsics headers trip these (GCC bug 105593)
    $<$<CXX_COMPILER_ID:GNU>:-Wno-uninitialized> $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>)
set(INTVIT_ISA_FLAGS_amx ${INTVIT_ISA_FLAGS_avx512vnni} -mamx-tile -mamx-int8)

if(INTVIT_CONVERTER OR NOT INTVIT_ISAS STREQUAL "scalar")
  find_path(XSIMD_INCLUDE_DIR xsimd/xsimd.hpp REQUIRED)  # vectors, in headers only
endif()

# AddressSanitizer sees every access that comes of them, and they take half of the time to compile kernels with it.
option(INTVIT_SANITIZE_POINTERS "In debug builds UBSan checks the pointers of kernels before they are used, too" OFF)

# An object library of sources that are compiled for one instruction set. Kernels are the product: they are optimised in
# every configuration, if only a little for debugging, where parts of xsimd 8.1 would not compile without.
function(intvit_isa_objects target isa)
  add_library(${target} OBJECT ${ARGN})
  target_include_directories(${target} PRIVATE ${PROJECT_SOURCE_DIR} ${PROJECT_SOURCE_DIR}/include)
  if(NOT isa STREQUAL "scalar")
    target_include_directories(${target} SYSTEM PRIVATE ${XSIMD_INCLUDE_DIR})
  endif()
  target_compile_options(${target} PRIVATE ${INTVIT_ISA_FLAGS_${isa}} $<IF:$<CONFIG:Debug>,-O1,-O3>)
  # AddressSanitizer's marks of every inlined function's variables take gcc three times as long as all the rest. Its checks
  # are calls, which find the same and are compiled sooner.
  target_compile_options(${target} PRIVATE $<$<CONFIG:Debug>:-fno-sanitize-address-use-after-scope>
    $<$<AND:$<CONFIG:Debug>,$<CXX_COMPILER_ID:GNU>>:--param=asan-instrumentation-with-call-threshold=0>)
  if(NOT INTVIT_SANITIZE_POINTERS)
    target_compile_options(${target} PRIVATE $<$<CONFIG:Debug>:-fno-sanitize=pointer-overflow,object-size>)
  endif()
  # Nothing throws there. clang's answer to an exception that leaves a noexcept function is a weak symbol.
  target_compile_options(${target} PRIVATE $<$<CXX_COMPILER_ID:Clang>:-fno-exceptions>)
  target_link_libraries(${target} PRIVATE intvit_warnings)
  set_target_properties(${target} PROPERTIES POSITION_INDEPENDENT_CODE ON CXX_VISIBILITY_PRESET hidden)
endfunction()

# For the sources that list what is built.
function(intvit_define_built_isas target)
  foreach(isa IN LISTS INTVIT_ISAS)
    target_compile_definitions(${target} PRIVATE VIT_BUILD_${isa})
  endforeach()
endfunction()
