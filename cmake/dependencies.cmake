# The libraries that we build on, each under the short name that a USES list gives it.
# All are Debian packages (cmake/setup installs them). CoracleConfig.cmake repeats the part that our
# static libraries still need when users link them.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
pkg_check_modules(libuv REQUIRED IMPORTED_TARGET GLOBAL libuv>=1.44)
pkg_check_modules(xxhash REQUIRED IMPORTED_TARGET GLOBAL libxxhash)
find_package(spdlog 1.10 REQUIRED)
find_package(nlohmann_json 3.11 REQUIRED)

# Debian's own target of msgpack-cxx would drag Boost into every user's link line.
find_path(MSGPACK_INCLUDE_DIR msgpack.hpp REQUIRED)
add_library(coracle_dependency_msgpack INTERFACE)
target_include_directories(coracle_dependency_msgpack SYSTEM INTERFACE ${MSGPACK_INCLUDE_DIR})
target_compile_definitions(coracle_dependency_msgpack INTERFACE MSGPACK_NO_BOOST)

set(CORACLE_DEPENDENCY_uv PkgConfig::libuv)
set(CORACLE_DEPENDENCY_xxhash PkgConfig::xxhash)
set(CORACLE_DEPENDENCY_json $<BUILD_INTERFACE:nlohmann_json::nlohmann_json>)
set(CORACLE_DEPENDENCY_spdlog spdlog::spdlog)
set(CORACLE_DEPENDENCY_threads Threads::Threads)
set(CORACLE_DEPENDENCY_msgpack $<BUILD_INTERFACE:coracle_dependency_msgpack>)

# The same part in the words of pkg-config and of Debian; what only our sources include is not in it.
set(CORACLE_PKG_CONFIG_uv "libuv >= 1.44")
set(CORACLE_PKG_CONFIG_xxhash "libxxhash")
set(CORACLE_PKG_CONFIG_spdlog "spdlog >= 1.10")
set(CORACLE_DEBIAN_DEPENDS "libuv1-dev (>= 1.44)" libxxhash-dev "libspdlog-dev (>= 1:1.10)")

if(CORACLE_APPS)
  find_package(CLI11 REQUIRED)
  set(CORACLE_DEPENDENCY_cli11 CLI11::CLI11)
endif()
if(CORACLE_TESTS)
  find_package(GTest REQUIRED)
  find_package(rapidcheck REQUIRED)
  set(CORACLE_DEPENDENCY_gtest GTest::gtest)
  set(CORACLE_DEPENDENCY_gtest_main GTest::gtest_main)
  set(CORACLE_DEPENDENCY_rapidcheck rapidcheck)
endif()
if(CORACLE_BENCH)
  find_package(benchmark REQUIRED)
  set(CORACLE_DEPENDENCY_benchmark benchmark::benchmark)
  # A peer that we measure against; nothing else may use it.
  find_path(ASIO_INCLUDE_DIR asio.hpp REQUIRED)
  add_library(coracle_dependency_asio INTERFACE)
  target_include_directories(coracle_dependency_asio SYSTEM INTERFACE ${ASIO_INCLUDE_DIR})
  # Asio 1.22 does not know by itself that clang 19 has coroutines.
  target_compile_definitions(coracle_dependency_asio INTERFACE
    $<$<CXX_COMPILER_ID:Clang>:ASIO_HAS_CO_AWAIT ASIO_HAS_STD_COROUTINE>)
  target_link_libraries(coracle_dependency_asio INTERFACE Threads::Threads)
  set(CORACLE_DEPENDENCY_asio coracle_dependency_asio)
endif()
