# The one source file that knows MPI is compiled, and MPI linked, where it is asked for. The libraries never
# see it: they know a Communicator.
set(mpi_source ${PROJECT_SOURCE_DIR}/ocr/cli/mpi_ranks.cpp)
list(REMOVE_ITEM cli_sources ${mpi_source})
if(NOT TALWEG_MPI)
  return()
endif()
find_package(MPI COMPONENTS CXX)
if(NOT MPI_CXX_FOUND)
  message(FATAL_ERROR "TALWEG_MPI is ON, but no MPI was found: install one (Debian, Ubuntu: libopenmpi-dev "
                      "openmpi-bin), or leave TALWEG_MPI off")
endif()
list(APPEND cli_sources ${mpi_source})
set(mpi_libraries MPI::MPI_CXX)
set_property(SOURCE ocr/cli/ranks.cpp APPEND PROPERTY COMPILE_DEFINITIONS TALWEG_MPI)
