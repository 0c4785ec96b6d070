# Writes OUT, a header that names the commit of ROOT, if it is not what it says already.
# usage: cmake -DROOT=<source tree> -DOUT=<file> -P commit.cmake
execute_process(COMMAND git -C ${ROOT} describe --always --dirty --abbrev=10 --exclude=*
                OUTPUT_VARIABLE commit ERROR_QUIET OUTPUT_STRIP_TRAILING_WHITESPACE
                RESULT_VARIABLE failed)
if(failed OR commit STREQUAL "")
  set(commit unknown)
endif()
set(text "#define TALWEG_COMMIT \"${commit}\"\n")
set(old "")
if(EXISTS ${OUT})
  file(READ ${OUT} old)
endif()
if(NOT old STREQUAL text)
  file(WRITE ${OUT} "${text}")
endif()
