# Checks the per-ISA objects with nm: each exports exactly one symbol, its table (its rungs, in
# bench/ladder), and holds no weak or unique one. A weak symbol compiled with AVX-512 flags could be the
# copy that the linker keeps for the whole program, which would then die on a processor without
# AVX-512.
#
#   cmake -DNM=nm "-DOBJECTS=a.o;b.o" -P symbols.cmake
#
# Objects that are not {kernels,ladder,chain,words,noise}_{portable,avx2,avx512} are passed over.
cmake_minimum_required(VERSION 3.22)
set(found "")
foreach(object IN LISTS OBJECTS)
  if(NOT object MATCHES "/(kernels|ladder|chain|words|noise)_(portable|avx2|avx512)\\.cpp\\.(o|obj)$")
    continue()
  endif()
  set(isa ${CMAKE_MATCH_2})
  list(APPEND found ${isa})
  execute_process(COMMAND ${NM} -C ${object} OUTPUT_VARIABLE text RESULT_VARIABLE failed)
  if(failed)
    message(FATAL_ERROR "nm could not read ${object}")
  endif()
  # Lines are "address type name"; capital types are global, V, v, W, w, u weak or unique.
  string(REGEX MATCHALL "[0-9a-f]+ [A-TX-ZVvWwu] [^\n]+" visible "${text}")
  list(LENGTH visible count)
  set(table "talweg::(kernels|bench|ebm)::k[A-Za-z0-9]+(Table|Ladder|Chains|Words|Noise)")
  if(NOT count EQUAL 1 OR NOT visible MATCHES "^[0-9a-f]+ [BDGR] ${table}$")
    string(REPLACE ";" "\n  " visible "${visible}")
    message(FATAL_ERROR "${object} must export its table alone, but nm finds:\n  ${visible}")
  endif()
endforeach()
if(NOT "portable" IN_LIST found)
  message(FATAL_ERROR "no portable object is among OBJECTS: ${OBJECTS}")
endif()
message(STATUS "one symbol each: ${found}")
