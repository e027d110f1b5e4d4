# Fails if any of OBJECTS defines a weak or unique symbol: the linker might use that copy, compiled for a newer CPU, in the
# rest of the program. The reference to gcc's exception personality is data and the same everywhere.
#
# Usage: cmake -DNM=... "-DOBJECTS=a;b" -P no_weak_symbols.cmake
set(objects 0)
foreach(object IN LISTS OBJECTS)
  math(EXPR objects "${objects} + 1")
  execute_process(COMMAND ${NM} -C --defined-only ${object} OUTPUT_VARIABLE symbols RESULT_VARIABLE result)
  if(NOT result EQUAL 0)
    message(FATAL_ERROR "nm failed on ${object}")
  endif()
  string(REGEX MATCHALL "[0-9a-f]+ [WVu] [^\n]*" weak "${symbols}")
  list(FILTER weak EXCLUDE REGEX "DW\\.ref\\.__gxx_personality_v0")
  # The sanitizers' own bookkeeping.
  list(FILTER weak EXCLUDE REGEX "__(odr_)?asan|\\.(asan|tsan|ubsan)")
  if(weak)
    message(FATAL_ERROR "${object} defines weak symbols: ${weak}")
  endif()
endforeach()
if(objects EQUAL 0)
  message(FATAL_ERROR "no objects were given")
endif()
message("no weak symbols in ${objects} objects")
