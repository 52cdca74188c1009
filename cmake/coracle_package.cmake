# What users find us by: CMake's package, pkg-config's, and Debian's. Read cmake/README.md for how
# they are used. The version is that of project() in the root's CMakeLists.txt.
include(CMakePackageConfigHelpers)
include(GNUInstallDirs)

# coracle_pkg_config(net runtime uv msgpack spdlog): coracle-net.pc for the layer `net`, which uses
# the others. Says nothing of its own place, but where it lies beside the libraries: the tree may be
# moved.
function(coracle_pkg_config name)
  file(RELATIVE_PATH prefix_from_here /prefix/${CMAKE_INSTALL_LIBDIR}/pkgconfig /prefix)
  string(REGEX REPLACE "/$" "" prefix_from_here ${prefix_from_here})
  set(requires "")
  set(libs "")
  foreach(used IN LISTS ARGN)
    if(TARGET coracle_${used})
      list(APPEND requires "coracle-${used} = ${PROJECT_VERSION}")
    elseif(used STREQUAL "threads")
      string(APPEND libs " -pthread")
    else()
      list(APPEND requires ${CORACLE_PKG_CONFIG_${used}})
    endif()
  endforeach()
  list(JOIN requires ", " requires)
  list(TRANSFORM coracle_public_definitions PREPEND " -D" OUTPUT_VARIABLE cflags)
  list(JOIN cflags "" cflags)
  list(TRANSFORM coracle_public_link_options PREPEND " " OUTPUT_VARIABLE options)
  list(JOIN options "" options)
  string(APPEND libs "${options}")
  configure_file(${PROJECT_SOURCE_DIR}/cmake/coracle-layer.pc.in
    ${PROJECT_BINARY_DIR}/coracle-${name}.pc @ONLY)
  install(FILES ${PROJECT_BINARY_DIR}/coracle-${name}.pc
    DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
endfunction()

# What is installed once for all layers. Called when all layers are known.
function(coracle_package)
  set(folder ${CMAKE_INSTALL_LIBDIR}/cmake/Coracle)
  # Before 1.0 each 0.x may break what users wrote for another.
  write_basic_package_version_file(${PROJECT_BINARY_DIR}/CoracleConfigVersion.cmake
    COMPATIBILITY SameMinorVersion)
  install(FILES ${PROJECT_BINARY_DIR}/CoracleConfigVersion.cmake
    ${PROJECT_SOURCE_DIR}/cmake/CoracleConfig.cmake DESTINATION ${folder})
  install(EXPORT CoracleTargets NAMESPACE Coracle:: DESTINATION ${folder})
  install(FILES ${PROJECT_SOURCE_DIR}/LICENSE
    DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/libcoracle-dev RENAME copyright)
endfunction()

# libcoracle-dev, by `cpack` in the build folder. It has what `cmake --install` installs. There is no
# package of the programs: they are examples to read, built from the tree by one command, and the
# demo's flags are not promised to anybody yet.
macro(coracle_debian_package)
  set(CORACLE_MAINTAINER "The Coracle authors" CACHE STRING "Who answers for the Debian package")
  set(CPACK_GENERATOR DEB)
  set(CPACK_PACKAGE_NAME libcoracle-dev)
  set(CPACK_PACKAGE_VENDOR "The Coracle authors")
  set(CPACK_PACKAGE_CONTACT "${CORACLE_MAINTAINER}")
  set(CPACK_PACKAGE_CHECKSUM SHA256)
  set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
  set(CPACK_PRE_BUILD_SCRIPTS ${PROJECT_SOURCE_DIR}/cmake/package_modes.cmake)
  set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
  set(CPACK_DEBIAN_PACKAGE_SECTION libdevel)
  set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
  set(CPACK_DEBIAN_PACKAGE_DEPENDS pkg-config)
  foreach(package IN LISTS CORACLE_DEBIAN_DEPENDS)
    string(APPEND CPACK_DEBIAN_PACKAGE_DEPENDS ", ${package}")
  endforeach()
  set(CPACK_DEBIAN_PACKAGE_SUGGESTS "cmake (>= 3.25)")
  set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "coroutines for networked services, and Raft (development)")
  set(CPACK_PACKAGE_DESCRIPTION "Networked services in C++20, written as straight-line coroutines
on libuv: tasks with structured concurrency, timers, sockets and
MessagePack-RPC; Raft leader election; and a simulator that runs the
same code on virtual time.

Headers and static libraries, for CMake's find_package(Coracle) and
for pkg-config.")
  include(CPack)
endmacro()
