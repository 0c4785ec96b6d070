# Runs a program with TALWEG_ISA=<isa>; says that the test is skipped if this processor lacks it. What
# the processor has is asked of the kernel's list, not of our own dispatch, which is under test.
# usage: cmake -DISA=<isa> -DPROGRAM=<path> -P forced_isa.cmake
cmake_minimum_required(VERSION 3.22)

set(needs_portable "")
set(needs_avx2 avx2 fma)
set(needs_avx512 avx512f avx512bw avx512dq avx512vl fma)

set(cpu_flags "")
if(EXISTS /proc/cpuinfo)
  file(STRINGS /proc/cpuinfo flag_lines REGEX "^flags" LIMIT_COUNT 1)
  string(REGEX MATCHALL "[a-z0-9_]+" cpu_flags "${flag_lines}")
endif()
foreach(flag IN LISTS needs_${ISA})
  if(NOT flag IN_LIST cpu_flags)
    message("SKIPPED: this processor has no ${flag}, so ${ISA} is not tested here")
    return()
  endif()
endforeach()

set(ENV{TALWEG_ISA} ${ISA})
execute_process(COMMAND ${PROGRAM} RESULT_VARIABLE status)
if(NOT status EQUAL 0)
  message(FATAL_ERROR "with TALWEG_ISA=${ISA} the program ended with ${status}")
endif()
