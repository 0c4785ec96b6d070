# Compiler flags of the per-ISA objects, one source file each. Only these files may use instructions
# beyond the baseline, and only these contract a*b+c into one rounding.
# -fno-exceptions keeps the personality routine (a weak symbol) out of them; see
# tests/core/kernels/symbols.cmake for the check.
set(talweg_vector_flags -O3 -ffp-contract=fast -fno-math-errno -fno-trapping-math -fno-exceptions)

set_property(SOURCE core/kernels/kernels_portable.cpp APPEND PROPERTY COMPILE_OPTIONS
             ${talweg_vector_flags})
if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|amd64)$")
  set_property(SOURCE core/kernels/kernels_avx2.cpp APPEND PROPERTY COMPILE_OPTIONS
               ${talweg_vector_flags} -mavx2 -mfma)
  set_property(SOURCE core/kernels/kernels_avx512.cpp APPEND PROPERTY COMPILE_OPTIONS
               ${talweg_vector_flags} -mavx512f -mavx512bw -mavx512dq -mavx512vl
               -mprefer-vector-width=512 -mfma)
endif()
