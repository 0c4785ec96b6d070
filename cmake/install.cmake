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

configure_package_config_file(cmake/talweg-config.cmake.in talweg-config.cmake
                              INSTALL_DESTINATION ${talweg_package_dir})
write_basic_package_version_file(talweg-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/talweg-config.cmake
              ${PROJECT_BINARY_DIR}/talweg-config-version.cmake
        DESTINATION ${talweg_package_dir})
