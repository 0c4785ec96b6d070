# The ladder is compiled once per instruction set, as the kernels are (core/kernels/isa_flags.cmake,
# where talweg_vector_flags comes from).
set_property(SOURCE ladder/ladder_portable.cpp APPEND PROPERTY COMPILE_OPTIONS
             ${talweg_vector_flags})
if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|amd64)$")
  set_property(SOURCE ladder/ladder_avx2.cpp APPEND PROPERTY COMPILE_OPTIONS
               ${talweg_vector_flags} -mavx2 -mfma)
  set_property(SOURCE ladder/ladder_avx512.cpp APPEND PROPERTY COMPILE_OPTIONS
               ${talweg_vector_flags} -mavx512f -mavx512bw -mavx512dq -mavx512vl
               -mprefer-vector-width=512 -mfma)
endif()
