# The libraries that are installed, libintvit and libintvit-picture: each is a static target and, from the same objects, a
# shared one, `<target>_shared`. Tools and tests link the static ones, whose insides they may use.
set(shared ${PROJECT_IS_TOP_LEVEL})
if(BUILD_SHARED_LIBS)
  set(shared ON)
endif()
option(INTVIT_SHARED "Build libintvit.so beside libintvit.a" ${shared})
if(BUILD_SHARED_LIBS AND NOT INTVIT_SHARED)
  message(FATAL_ERROR "BUILD_SHARED_LIBS is on and INTVIT_SHARED is off; leave INTVIT_SHARED out, or turn both off")
endif()

# While the first number is 0, the second one says which versions are exchangeable.
if(PROJECT_VERSION_MAJOR EQUAL 0)
  set(INTVIT_ABI_VERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})
else()
  set(INTVIT_ABI_VERSION ${PROJECT_VERSION_MAJOR})
endif()

# What every object of the libraries has in common, whichever library it ends in.
function(intvit_library_objects target)
  set_target_properties(${target} PROPERTIES POSITION_INDEPENDENT_CODE ON CXX_VISIBILITY_PRESET hidden
    VISIBILITY_INLINES_HIDDEN ON)
  if(INTVIT_SHARED)
    target_compile_definitions(${target} PRIVATE INTVIT_SHARED)  # intvit/export.h
  endif()
endfunction()

# Makes `target`, a static library, one that is installed, and its shared twin of its objects and those that are named
# behind it. As intvit::<name>_static, intvit::<name>_shared and intvit::<name> they are called alike in the build tree, by
# add_subdirectory and by find_package.
function(intvit_library target name)
  intvit_library_objects(${target})
  set(twins ${target})
  if(INTVIT_SHARED)
    add_library(${target}_shared SHARED $<TARGET_OBJECTS:${target}> ${ARGN})
    set_target_properties(${target}_shared PROPERTIES OUTPUT_NAME ${target} EXPORT_NAME ${name}_shared
      VERSION ${PROJECT_VERSION} SOVERSION ${INTVIT_ABI_VERSION} LINKER_LANGUAGE CXX)
    target_compile_definitions(${target}_shared INTERFACE INTVIT_SHARED)
    if(CMAKE_SYSTEM_NAME STREQUAL "Linux")
      set(script ${PROJECT_SOURCE_DIR}/cmake/exported_symbols.map)
      target_link_options(${target}_shared PRIVATE LINKER:--version-script=${script} LINKER:--as-needed)
      set_target_properties(${target}_shared PROPERTIES LINK_DEPENDS ${script})
    endif()
    add_library(intvit::${name}_shared ALIAS ${target}_shared)
    list(APPEND twins ${target}_shared)
  endif()
  set_target_properties(${target} PROPERTIES EXPORT_NAME ${name}_static)
  add_library(intvit::${name}_static ALIAS ${target})
  foreach(twin IN LISTS twins)
    target_compile_features(${twin} INTERFACE cxx_std_17)
    # Functions in the C header call the C library's mathematics, for which C++ compilers link libm anyway.
    if(UNIX)
      target_link_libraries(${twin} INTERFACE m)
    endif()
    target_include_directories(${twin} PUBLIC $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>)
  endforeach()
  if(BUILD_SHARED_LIBS)
    add_library(intvit::${name} ALIAS ${target}_shared)
  else()
    add_library(intvit::${name} ALIAS ${target})
  endif()
endfunction()
