# Users include <coracle/net/tcp.h>; in the tree the same file is "net/tcp.h". So the public headers
# are copied to include/coracle/ in the build tree, with their includes rewritten. Installation and
# FetchContent use the copy: no other directory of ours comes onto a user's include path.

# Copies `headers` of layer `name`, follows their changes, and installs them.
function(coracle_public_headers target name)
  set(headers ${ARGN})
  set(root ${PROJECT_BINARY_DIR}/include)
  set(copies "")
  foreach(header IN LISTS headers)
    set(original ${CMAKE_CURRENT_SOURCE_DIR}/${header})
    set(copy ${root}/coracle/${name}/${header})
    add_custom_command(OUTPUT ${copy} VERBATIM
      COMMAND ${CMAKE_COMMAND} -D original=${original} -D copy=${copy}
              -P ${PROJECT_SOURCE_DIR}/cmake/copy_header.cmake
      DEPENDS ${original} ${PROJECT_SOURCE_DIR}/cmake/copy_header.cmake
      COMMENT "Header <coracle/${name}/${header}>")
    list(APPEND copies ${copy})
    if(CORACLE_INSTALL)
      get_filename_component(folder coracle/${name}/${header} DIRECTORY)
      install(FILES ${copy} DESTINATION include/${folder})
    endif()
  endforeach()
  add_custom_target(${target}_headers DEPENDS ${copies})
  add_dependencies(${target} ${target}_headers)
  target_include_directories(${target} INTERFACE
    $<BUILD_INTERFACE:${root}> $<INSTALL_INTERFACE:include>)
  set_property(GLOBAL APPEND PROPERTY CORACLE_PUBLIC_HEADERS ${headers})
endfunction()
