# libbacktrace comes with GCC, in folders that its driver, and clang's, search anyway; only clang has
# to be shown the header. The study tools name source lines with it, and say so where it is missing.
execute_process(COMMAND ${CMAKE_CXX_COMPILER} -print-file-name=libbacktrace.a
                OUTPUT_VARIABLE backtrace_library OUTPUT_STRIP_TRAILING_WHITESPACE)
get_filename_component(gcc_folder "${backtrace_library}" REALPATH)
get_filename_component(gcc_folder "${gcc_folder}" DIRECTORY)
find_path(BACKTRACE_INCLUDE_DIR backtrace.h HINTS ${gcc_folder}/include)
mark_as_advanced(BACKTRACE_INCLUDE_DIR)
if(BACKTRACE_INCLUDE_DIR AND EXISTS "${backtrace_library}")
  set_source_files_properties(core/study/call_site.cpp PROPERTIES
    COMPILE_DEFINITIONS TALWEG_BACKTRACE COMPILE_OPTIONS "-idirafter${BACKTRACE_INCLUDE_DIR}")
  target_link_libraries(talweg_study PRIVATE backtrace)
  set(talweg_backtrace -lbacktrace)  # for pkg-config
else()
  message(STATUS "libbacktrace was not found: tapes will not name source lines")
endif()
