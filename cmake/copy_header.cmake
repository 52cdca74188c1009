# cmake -D original=A -D copy=B -P copy_header.cmake
# Copies a header, turning #include "net/tcp.h" into #include <coracle/net/tcp.h>.
file(READ ${original} text)
string(REGEX REPLACE "#include \"((runtime|net|raft)/[^\"]+)\"" "#include <coracle/\\1>"
  text "${text}")
file(WRITE ${copy} "${text}")
