# Fails if a folder includes what the architecture does not allow. The runtime's folders are layers, each of which may
# include itself and those before it, so that no two include each other:
#   include/intvit, kernels, engine/image, tensors, ops, program, format, model, run.
# models may include nothing but its own plain data, converter all of these; bench, tests and tools everything.
# The engine must not include engine/image/decode, since applications do without.
#
# Usage: cmake -DROOT=<tree> -P layering.cmake
set(layers intvit kernels engine/image engine/tensors engine/ops engine/program engine/format engine/model engine/run)
set(complaints)
set(files_seen 0)

# The number of a path's layer, -1 if it lies in none.
function(layer_of path result)
  string(REGEX REPLACE "^include/" "" path "${path}")
  string(REGEX MATCH "^(engine/[^/]*|[^/]*)/" folder "${path}")
  string(REGEX REPLACE "/$" "" folder "${folder}")
  list(FIND layers "${folder}" index)
  set(${result} ${index} PARENT_SCOPE)
endfunction()

foreach(folder include kernels engine models converter)
  file(GLOB_RECURSE files RELATIVE ${ROOT} ${ROOT}/${folder}/*.h ${ROOT}/${folder}/*.cc ${ROOT}/${folder}/*.inc)
  foreach(file IN LISTS files)
    math(EXPR files_seen "${files_seen} + 1")
    layer_of(${file} own)
    file(STRINGS ${ROOT}/${file} includes REGEX "^#include \"")
    foreach(include IN LISTS includes)
      string(REGEX REPLACE "^#include \"([^\"]*)\".*" "\\1" path "${include}")
      layer_of(${path} layer)
      if(folder STREQUAL "models")
        string(REGEX MATCH "^models/" allowed "${path}")
      elseif(folder STREQUAL "converter")
        string(REGEX MATCH "^(intvit|kernels|engine|models|converter)/" allowed "${path}")
      elseif(path STREQUAL "engine/image/decode.h")
        string(REGEX MATCH "^engine/image/decode" allowed "${file}")
      elseif(own GREATER_EQUAL 0 AND layer GREATER_EQUAL 0 AND NOT layer GREATER own)
        set(allowed yes)
      else()
        set(allowed)
      endif()
      if(NOT allowed)
        list(APPEND complaints "${file}: ${include}")
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
