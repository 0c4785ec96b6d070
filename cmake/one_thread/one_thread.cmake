# The library for one thread: OpenMP's pragmas are ignored, and its functions are those of omp.h here.
add_library(OpenMP::OpenMP_CXX INTERFACE IMPORTED)
target_include_directories(OpenMP::OpenMP_CXX INTERFACE ${CMAKE_CURRENT_LIST_DIR})
add_compile_options(-Wno-unknown-pragmas)
