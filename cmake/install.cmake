# What `cmake --install` installs, in three components: runtime (shared libraries), dev (headers, static libraries, what
# find_package and pkg-config read) and tools.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)
set(config_folder ${CMAKE_INSTALL_LIBDIR}/cmake/intvit)
find_program(GZIP gzip)

set(statics intvit)
set(INTVIT_HAS_PICTURE OFF)  # in the templates below
if(TARGET intvit-picture)
  set(INTVIT_HAS_PICTURE ON)
  list(APPEND statics intvit-picture)
endif()
install(TARGETS ${statics} EXPORT intvit-static-targets
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT dev INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(EXPORT intvit-static-targets NAMESPACE intvit:: DESTINATION ${config_folder} COMPONENT dev)
if(INTVIT_SHARED)
  list(TRANSFORM statics APPEND _shared OUTPUT_VARIABLE shareds)
  install(TARGETS ${shareds} EXPORT intvit-shared-targets
    LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT runtime NAMELINK_COMPONENT dev
    INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
  install(EXPORT intvit-shared-targets NAMESPACE intvit:: DESTINATION ${config_folder} COMPONENT dev)
endif()
install(DIRECTORY include/intvit DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT dev FILES_MATCHING PATTERN "*.h"
  PATTERN "*.hpp")

if(PROJECT_VERSION_MAJOR EQUAL 0)
  set(compatibility SameMinorVersion)
else()
  set(compatibility SameMajorVersion)
endif()
write_basic_package_version_file(${PROJECT_BINARY_DIR}/intvit-config-version.cmake COMPATIBILITY ${compatibility})
configure_package_config_file(cmake/intvit-config.cmake.in ${PROJECT_BINARY_DIR}/intvit-config.cmake
  INSTALL_DESTINATION ${config_folder} NO_SET_AND_CHECK_MACRO)
install(FILES ${PROJECT_BINARY_DIR}/intvit-config.cmake ${PROJECT_BINARY_DIR}/intvit-config-version.cmake
  DESTINATION ${config_folder} COMPONENT dev)

# pkg-config's files name their folders from where they are, so that an installed tree can be moved.
set(pkgconfig_folder ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
file(RELATIVE_PATH up "${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig" "${CMAKE_INSTALL_PREFIX}")
string(REGEX REPLACE "/$" "" INTVIT_PC_PREFIX "\${pcfiledir}/${up}")
foreach(kind LIB INCLUDE)
  set(INTVIT_PC_${kind}DIR "\${prefix}/${CMAKE_INSTALL_${kind}DIR}")
  if(IS_ABSOLUTE "${CMAKE_INSTALL_${kind}DIR}")
    set(INTVIT_PC_${kind}DIR "${CMAKE_INSTALL_${kind}DIR}")
  endif()
endforeach()
# What a program needs that links the static library.
set(implicit ${CMAKE_CXX_IMPLICIT_LINK_LIBRARIES})
list(FILTER implicit INCLUDE REGEX "^(stdc\\+\\+|c\\+\\+|c\\+\\+abi|m)$")
list(REMOVE_DUPLICATES implicit)
list(TRANSFORM implicit PREPEND -l)
list(JOIN implicit " " INTVIT_PC_PRIVATE_LIBRARIES)
string(PREPEND INTVIT_PC_PRIVATE_LIBRARIES "-pthread ")
configure_file(cmake/intvit.pc.in ${PROJECT_BINARY_DIR}/intvit.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/intvit.pc DESTINATION ${pkgconfig_folder} COMPONENT dev)
if(INTVIT_HAS_PICTURE)
  get_target_property(INTVIT_PC_PICTURE_REQUIRES intvit-picture INTVIT_PKG_CONFIG_NAMES)
  configure_file(cmake/intvit-picture.pc.in ${PROJECT_BINARY_DIR}/intvit-picture.pc @ONLY)
  install(FILES ${PROJECT_BINARY_DIR}/intvit-picture.pc DESTINATION ${pkgconfig_folder} COMPONENT dev)
endif()

foreach(tool vitrun vitconvert vitbench)
  if(TARGET ${tool})
    install(TARGETS ${tool} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT tools)
  endif()
endforeach()
include(cmake/command_texts.cmake)
include(cmake/packages.cmake)
