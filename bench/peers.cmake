# The peers: only here, and only asked for, are other libraries' kernels linked.
#   oneDNN 2.x   (Debian: libdnnl-dev)
#   OpenBLAS     (Debian: libopenblas-openmp-dev, or else libopenblas-dev)

# oneDNN's own CMake files want OpenCL, which its CPU part does not need.
find_path(ONEDNN_INCLUDE_DIR oneapi/dnnl/dnnl.hpp)
find_library(ONEDNN_LIBRARY dnnl)
# The build on OpenMP shares its threads with our kernels; the one with threads of its own keeps
# them spinning after a call, which slows down the next row: only where there is no other.
find_path(OPENBLAS_INCLUDE_DIR cblas.h PATH_SUFFIXES openblas-openmp openblas-pthread openblas)
find_library(OPENBLAS_LIBRARY openblas PATH_SUFFIXES openblas-openmp openblas-pthread)
if(NOT ONEDNN_INCLUDE_DIR OR NOT ONEDNN_LIBRARY OR NOT OPENBLAS_INCLUDE_DIR OR NOT OPENBLAS_LIBRARY)
  message(FATAL_ERROR "TALWEG_PEERS needs oneDNN 2.x and OpenBLAS: install libdnnl-dev and "
                      "libopenblas-openmp-dev (Debian), or configure with -DTALWEG_PEERS=OFF")
endif()
file(STRINGS ${ONEDNN_INCLUDE_DIR}/oneapi/dnnl/dnnl_version.h onednn_version
     REGEX "define DNNL_VERSION_MAJOR +2")
if(NOT onednn_version)
  message(FATAL_ERROR "TALWEG_PEERS is written for oneDNN 2.x; that in ${ONEDNN_INCLUDE_DIR} is "
                      "another, whose interface differs")
endif()

file(GLOB peer_sources CONFIGURE_DEPENDS peers/*.cpp)
target_sources(talweg_bench_lib PRIVATE ${peer_sources})
target_compile_definitions(talweg_bench_lib PUBLIC TALWEG_PEERS)
target_include_directories(talweg_bench_lib SYSTEM PRIVATE ${ONEDNN_INCLUDE_DIR}
                                                           ${OPENBLAS_INCLUDE_DIR})
target_link_libraries(talweg_bench_lib PRIVATE ${ONEDNN_LIBRARY} ${OPENBLAS_LIBRARY})
