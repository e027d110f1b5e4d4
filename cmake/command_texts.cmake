# Manual pages and completions of shells, which the tools print from their own tables of options (tools/common/cli). Tools
# that are built for another machine cannot.
if(CMAKE_CROSSCOMPILING)
  message(STATUS "no manual pages and completions: the tools, built for ${CMAKE_SYSTEM_PROCESSOR}, cannot print them here")
  return()
endif()
set(zsh_folder zsh/site-functions)
if(CMAKE_INSTALL_PREFIX STREQUAL "/usr" AND EXISTS /etc/debian_version)
  set(zsh_folder zsh/vendor-completions)
endif()
set(texts)
foreach(tool vitrun vitconvert vitbench)
  if(NOT TARGET ${tool})
    continue()
  endif()
  set(folder ${PROJECT_BINARY_DIR}/texts)
  set(manual ${folder}/${tool}.1)
  set(compress)
  if(GZIP)
    set(compress COMMAND ${GZIP} -9nf ${manual})
    string(APPEND manual .gz)
  endif()
  add_custom_command(OUTPUT ${manual} ${folder}/${tool} ${folder}/_${tool} ${folder}/${tool}.fish
    COMMAND ${CMAKE_COMMAND} -E make_directory ${folder}
    COMMAND $<TARGET_FILE:${tool}> --print man > ${folder}/${tool}.1
    ${compress}
    COMMAND $<TARGET_FILE:${tool}> --print bash > ${folder}/${tool}
    COMMAND $<TARGET_FILE:${tool}> --print zsh > ${folder}/_${tool}
    COMMAND $<TARGET_FILE:${tool}> --print fish > ${folder}/${tool}.fish
    DEPENDS ${tool} VERBATIM)
  list(APPEND texts ${manual})
  install(FILES ${manual} DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 COMPONENT tools)
  install(FILES ${folder}/${tool} DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions COMPONENT tools)
  install(FILES ${folder}/_${tool} DESTINATION ${CMAKE_INSTALL_DATADIR}/${zsh_folder} COMPONENT tools)
  install(FILES ${folder}/${tool}.fish DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d COMPONENT tools)
endforeach()
add_custom_target(command_texts ALL DEPENDS ${texts})
