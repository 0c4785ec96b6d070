# How everything is compiled with -DTALWEG_FUZZ=ON: every edge counted for libFuzzer, every access
# checked; and one thread, so that a finding comes again.
if(NOT CMAKE_CXX_COMPILER_ID MATCHES "Clang")
  message(FATAL_ERROR "TALWEG_FUZZ needs clang, whose libFuzzer it uses: -DCMAKE_CXX_COMPILER=clang++")
endif()
set(sanitizers -fsanitize=address,undefined)
add_compile_options(${sanitizers} -fsanitize=fuzzer-no-link -fno-sanitize-recover=all
                    -fno-omit-frame-pointer -g)
add_link_options(${sanitizers})

# The networks' kernels stay plain: unrolled as they are, clang takes an hour to instrument them.
foreach(isa portable avx2 avx512)
  set_property(SOURCE core/kernels/kernels_${isa}.cpp APPEND PROPERTY COMPILE_OPTIONS
               -fno-sanitize=all)
endforeach()
