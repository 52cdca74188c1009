# cmake -D from=DIR -D to=DIR -D headers=a.h;b.h -P copy_headers.cmake
# Copies headers, turning #include "net/tcp.h" into #include <coracle/net/tcp.h>. A copy that would
# stay the same is left alone, so that nothing is compiled anew for it; a copy of a header that is
# public no more is removed.
cmake_minimum_required(VERSION 3.25)

file(GLOB_RECURSE present RELATIVE ${to} ${to}/*.h)
foreach(header IN LISTS present)
  if(NOT header IN_LIST headers)
    file(REMOVE ${to}/${header})
  endif()
endforeach()

foreach(header IN LISTS headers)
  file(READ ${from}/${header} text)
  string(REGEX REPLACE "#include \"((runtime|net|raft)/[^\"]+)\"" "#include <coracle/\\1>"
    text "${text}")
  set(copied "")
  if(EXISTS ${to}/${header})
    file(READ ${to}/${header} copied)
  endif()
  if(NOT text STREQUAL copied)
    file(WRITE ${to}/${header} "${text}")
  endif()
endforeach()
