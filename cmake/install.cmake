# Installation: the header and its pieces, both libraries, pkg-config and CMake packages, the command, man pages.
install(DIRECTORY ${top}/include/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
  FILES_MATCHING PATTERN "*.h")
install(TARGETS lastack_archive lastack_shared EXPORT lastack
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
if(TARGET lastack)
  install(TARGETS lastack RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()

# The prefix is found from where the file lies, so that `cmake --install --prefix` may choose it.
cmake_path(ABSOLUTE_PATH CMAKE_INSTALL_LIBDIR BASE_DIRECTORY ${CMAKE_INSTALL_PREFIX}
  OUTPUT_VARIABLE pc_folder)
file(RELATIVE_PATH pc_to_prefix ${pc_folder}/pkgconfig ${CMAKE_INSTALL_PREFIX})
configure_file(cmake/lastack.pc.in lastack.pc @ONLY)
install(FILES ${CMAKE_BINARY_DIR}/lastack.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

set(package_folder ${CMAKE_INSTALL_LIBDIR}/cmake/lastack)
install(EXPORT lastack NAMESPACE lastack:: FILE lastackTargets.cmake DESTINATION ${package_folder})
configure_package_config_file(cmake/lastackConfig.cmake.in lastackConfig.cmake
  INSTALL_DESTINATION ${package_folder})
write_basic_package_version_file(lastackConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/lastackConfig.cmake ${CMAKE_BINARY_DIR}/lastackConfigVersion.cmake
  DESTINATION ${package_folder})

find_program(SCDOC scdoc)
file(GLOB man_sources CONFIGURE_DEPENDS ${top}/man/*.scd)
if(SCDOC AND man_sources)
  foreach(source ${man_sources})
    cmake_path(GET source STEM LAST_ONLY page)
    string(REGEX REPLACE "^.*\\." "" section ${page})
    set(made ${CMAKE_BINARY_DIR}/man/${page})
    add_custom_command(OUTPUT ${made} DEPENDS ${source} VERBATIM
      COMMAND ${CMAKE_COMMAND} -E make_directory ${CMAKE_BINARY_DIR}/man
      COMMAND sh -c "\"$1\" < \"$2\" > \"$3\"" sh ${SCDOC} ${source} ${made})
    install(FILES ${made} DESTINATION ${CMAKE_INSTALL_MANDIR}/man${section})
    list(APPEND man_pages ${made})
  endforeach()
  add_custom_target(man ALL DEPENDS ${man_pages})
endif()
