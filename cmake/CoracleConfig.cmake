# find_package(Coracle) gives Coracle::runtime, Coracle::net and Coracle::raft.
include(CMakeFindDependencyMacro)
find_dependency(PkgConfig)
find_dependency(Threads)
find_dependency(spdlog)
pkg_check_modules(libuv REQUIRED QUIET IMPORTED_TARGET libuv>=1.44)
pkg_check_modules(xxhash REQUIRED QUIET IMPORTED_TARGET libxxhash)
include(${CMAKE_CURRENT_LIST_DIR}/CoracleTargets.cmake)
