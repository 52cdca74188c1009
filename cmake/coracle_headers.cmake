# Users include <coracle/net/tcp.h>; in the tree the same file is "net/tcp.h". So the public headers
# are copied to include/coracle/ in the build tree, with their includes rewritten. Installation and
# FetchContent use the copy: no other directory of ours comes onto a user's include path.

# Copies `headers` of layer `name`, follows their changes, and installs them. One command copies all
# that changed: a process per header would take longer than the layer's compilation.
function(coracle_public_headers target name)
  set(headers ${ARGN})
  set(root ${PROJECT_BINARY_DIR}/include)
  list(TRANSFORM headers PREPEND ${CMAKE_CURRENT_SOURCE_DIR}/ OUTPUT_VARIABLE originals)
  list(TRANSFORM headers PREPEND ${root}/coracle/${name}/ OUTPUT_VARIABLE copies)
  set(script ${PROJECT_SOURCE_DIR}/cmake/copy_headers.cmake)
  add_custom_command(OUTPUT ${copies} VERBATIM
    COMMAND ${CMAKE_COMMAND} -D from=${CMAKE_CURRENT_SOURCE_DIR} -D to=${root}/coracle/${name}
            -D "headers=${headers}" -P ${script}
    DEPENDS ${originals} ${script}
    COMMENT "Copying the public headers of ${name}")
  if(CORACLE_INSTALL)
    install(DIRECTORY ${root}/coracle/${name} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/coracle)
  endif()
  add_custom_target(${target}_headers DEPENDS ${copies})
  add_dependencies(${target} ${target}_headers)
  target_include_directories(${target} INTERFACE
    $<BUILD_INTERFACE:${root}> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
endfunction()
