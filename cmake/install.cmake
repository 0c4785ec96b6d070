# `cmake --install`: the program, the libraries as talweg::core ... talweg::ocr, and their headers in
# include/talweg with the tree kept, so that `#include "core/tape.h"` reads the same everywhere.
include(CMakePackageConfigHelpers)
set(talweg_package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/talweg)

install(TARGETS talweg RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
# Where find_model() looks for it: beside the folder of the program.
install(DIRECTORY models/ DESTINATION ${CMAKE_INSTALL_DATADIR}/talweg
        FILES_MATCHING PATTERN "*.safetensors")
install(TARGETS talweg_core talweg_io talweg_study talweg_nn talweg_ebm talweg_ocr
        EXPORT talweg ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(EXPORT talweg NAMESPACE talweg:: FILE talweg-targets.cmake
        DESTINATION ${talweg_package_dir})
install(DIRECTORY core nn ebm ocr DESTINATION ${talweg_include_dir}
        FILES_MATCHING PATTERN "*.h" PATTERN "share.inl" PATTERN "cli" EXCLUDE)

# The C interface is included as "talweg.h", from the folder that pkg-config names too.
install(FILES ocr/talweg.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
target_include_directories(talweg_ocr INTERFACE $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)

# For builds without CMake: `pkg-config --static --libs talweg`.
configure_file(cmake/talweg.pc.in talweg.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/talweg.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

# The manual page and the shells' completions are printed by the program itself.
if(NOT CMAKE_CROSSCOMPILING)
  set(shells bash zsh fish)
  set(bash_path ${CMAKE_INSTALL_DATADIR}/bash-completion/completions/talweg)
  set(zsh_path ${CMAKE_INSTALL_DATADIR}/zsh/vendor-completions/_talweg)
  set(fish_path ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d/talweg.fish)
  set(pages ${PROJECT_BINARY_DIR}/talweg.1)
  add_custom_command(OUTPUT talweg.1 COMMAND talweg man > talweg.1 VERBATIM)
  install(FILES ${PROJECT_BINARY_DIR}/talweg.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
  foreach(shell IN LISTS shells)
    set(script ${PROJECT_BINARY_DIR}/completion.${shell})
    add_custom_command(OUTPUT ${script} COMMAND talweg completion ${shell} > ${script} VERBATIM)
    list(APPEND pages ${script})
    cmake_path(GET ${shell}_path PARENT_PATH folder)
    cmake_path(GET ${shell}_path FILENAME name)
    install(FILES ${script} DESTINATION ${folder} RENAME ${name})
  endforeach()
  add_custom_target(talweg_pages ALL DEPENDS ${pages})
endif()

# `cpack -G DEB` in the build folder: a package of the program, the model, the libraries.
set(CPACK_PACKAGE_NAME talweg)
set(CPACK_PACKAGE_CONTACT "The authors of Talweg")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "Word recognizer and energy-based deep-learning engine")
set(CPACK_RESOURCE_FILE_LICENSE ${PROJECT_SOURCE_DIR}/LICENSE)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION science)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "wamerican, fonts-anonymous-pro")
include(CPack)

configure_package_config_file(cmake/talweg-config.cmake.in talweg-config.cmake
                              INSTALL_DESTINATION ${talweg_package_dir})
write_basic_package_version_file(talweg-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/talweg-config.cmake
              ${PROJECT_BINARY_DIR}/talweg-config-version.cmake
        DESTINATION ${talweg_package_dir})
