# Fails if any of BINARIES (objects or archives) contains a floating-point arithmetic instruction, SSE, AVX, AVX-512 or x87.
# Moves, shuffles and logic that merely carry "ps" in their names (movaps, vinsertf128, xorps) compute nothing and are fine.
#
# Usage: cmake -DOBJDUMP=... "-DBINARIES=a;b" -P no_float.cmake
set(suffix "(ss|sd|ps|pd|sh|ph|bf16)")
set(arithmetic
  "v?(add|sub|mul|div|min|max|sqrt|rsqrt|rsqrt14|rsqrt28|rcp|rcp14|rcp28|round|rndscale|range|reduce|fixupimm|scalef|getexp|getmant|hadd|hsub|addsub|dp|cmp[a-z]*|comi|ucomi)${suffix}"
  "v?cvtt?[a-z0-9]*(ss|sd|ps|pd|sh|ph)[a-z0-9]*"
  "v?fn?m(add|sub|addsub|subadd)[0-9]*${suffix}"
  "vdpbf16ps|vp?exp2${suffix}|tdpbf16ps|tdpfp16ps"
  "f(add|sub|subr|mul|div|divr|iadd|isub|imul|idiv|sqrt|sin|cos|sincos|patan|ptan|scale|yl2x|2xm1|abs|chs|com|ucom|comi|ucomi|ild|ist|istp|isttp|ld|st|stp|prem|rndint)[a-z0-9]*")
string(REPLACE ";" "|" arithmetic "${arithmetic}")
set(total 0)
set(found 0)
foreach(binary IN LISTS BINARIES)
  execute_process(COMMAND ${OBJDUMP} --disassemble --no-show-raw-insn -M att ${binary}
    OUTPUT_VARIABLE listing RESULT_VARIABLE result ERROR_VARIABLE errors)
  if(NOT result EQUAL 0)
    message(FATAL_ERROR "objdump failed on ${binary}: ${errors}")
  endif()
  string(REGEX MATCHALL "\n +[0-9a-f]+:\t[a-z]" instructions "${listing}")
  list(LENGTH instructions count)
  math(EXPR total "${total} + ${count}")
  string(REGEX MATCHALL "\n +[0-9a-f]+:\t(${arithmetic})[ \n][^\n]*" hits "${listing}")
  list(LENGTH hits number)
  if(number GREATER 0)
    math(EXPR found "${found} + ${number}")
    list(SUBLIST hits 0 10 some)
    message("${binary}: ${some}")
  endif()
endforeach()
if(total EQUAL 0)
  message(FATAL_ERROR "nothing was disassembled")
endif()
if(found GREATER 0)
  message(FATAL_ERROR "${found} floating-point instructions among ${total}")
endif()
message("no floating-point arithmetic in ${total} instructions")
