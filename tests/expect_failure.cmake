# Runs a program that must fail, with a message that says why. A crash is no such failure.
# usage: cmake -DMESSAGE=<regular expression> -P expect_failure.cmake -- <program> <argument>...
cmake_minimum_required(VERSION 3.22)

set(command "")
set(seen FALSE)
math(EXPR last "${CMAKE_ARGC} - 1")
foreach(i RANGE ${last})
  if(seen)
    list(APPEND command "${CMAKE_ARGV${i}}")
  elseif(CMAKE_ARGV${i} STREQUAL "--")
    set(seen TRUE)
  endif()
endforeach()

execute_process(COMMAND ${command} RESULT_VARIABLE status OUTPUT_VARIABLE text ERROR_VARIABLE text)
if(NOT status MATCHES "^[12]$" OR NOT text MATCHES "${MESSAGE}")
  message(FATAL_ERROR "expected exit 1 or 2 and a message like \"${MESSAGE}\"; "
                      "found exit ${status} and:\n${text}")
endif()
