# The noise kernels are compiled once per instruction set, as those of core/kernels are
# (core/kernels/isa_flags.cmake, where talweg_vector_flags comes from).
set_property(SOURCE ebm/sampling/kernels/noise_portable.cpp APPEND PROPERTY COMPILE_OPTIONS
             ${talweg_vector_flags})
if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|amd64)$")
  set_property(SOURCE ebm/sampling/kernels/noise_avx2.cpp APPEND PROPERTY COMPILE_OPTIONS
               ${talweg_vector_flags} -mavx2 -mfma)
  set_property(SOURCE ebm/sampling/kernels/noise_avx512.cpp APPEND PROPERTY COMPILE_OPTIONS
               ${talweg_vector_flags} -mavx512f -mavx512bw -mavx512dq -mavx512vl
               -mprefer-vector-width=512 -mfma)
endif()
