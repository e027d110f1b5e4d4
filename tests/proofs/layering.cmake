# Fails if a folder includes what the architecture does not allow:
#   kernels -> nothing here; engine -> kernels (its tools also each other); models -> nothing but its own plain data;
#   converter -> all of these; bench, tests -> everything.
# engine outside engine/tools and engine/image/decode must not include them, since applications do without.
#
# Usage: cmake -DROOT=<tree> -P layering.cmake
set(kernels_may "kernels")
set(engine_may "kernels|engine")
set(models_may "models")
set(converter_may "kernels|engine|models|converter")
set(folders "kernels|engine|models|converter|bench|tests")
set(complaints)
set(files_seen 0)
foreach(folder kernels engine models converter)
  file(GLOB_RECURSE files RELATIVE ${ROOT} ${ROOT}/${folder}/*.h ${ROOT}/${folder}/*.cc ${ROOT}/${folder}/*.inc)
  foreach(file IN LISTS files)
    math(EXPR files_seen "${files_seen} + 1")
    file(STRINGS ${ROOT}/${file} includes REGEX "^#include \"")
    foreach(include IN LISTS includes)
      if(NOT include MATCHES "\"(${folders})/")
        list(APPEND complaints "${file}: ${include} does not start at the root")
      elseif(NOT include MATCHES "\"(${${folder}_may})/")
        list(APPEND complaints "${file}: ${include}")
      elseif(folder STREQUAL "engine" AND include MATCHES "\"engine/(tools/|image/decode)"
             AND NOT file MATCHES "^engine/(tools/|image/decode)")
        list(APPEND complaints "${file}: ${include} (the library must not need its tools)")
      endif()
    endforeach()
  endforeach()
endforeach()
if(files_seen EQUAL 0)
  message(FATAL_ERROR "no sources under ${ROOT}")
endif()
if(complaints)
  string(REPLACE ";" "\n  " complaints "${complaints}")
  message(FATAL_ERROR "not allowed:\n  ${complaints}")
endif()
message("${files_seen} files include only what they may")
