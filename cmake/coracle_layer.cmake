# One function per kind of target. Warnings, C++20, sanitizers, the exported name and the install
# rule stand here, once.
include(coracle_headers)

# What whoever compiles against our headers, or links us, must give to compiler and linker as well.
set(coracle_public_definitions "")
set(coracle_public_link_options "")
if(CORACLE_DEBUG_CHECKS)
  list(APPEND coracle_public_definitions CORACLE_DEBUG_CHECKS=1)
endif()
if(CORACLE_SANITIZE)
  list(APPEND coracle_public_definitions CORACLE_SANITIZED=1)
  list(APPEND coracle_public_link_options -fsanitize=${CORACLE_SANITIZE})
endif()

# What every target of ours is compiled with.
function(coracle_compile_options target)
  target_compile_features(${target} PUBLIC cxx_std_20)
  set_target_properties(${target} PROPERTIES CXX_EXTENSIONS OFF)
  target_include_directories(${target} PRIVATE ${PROJECT_SOURCE_DIR})
  target_compile_options(${target} PRIVATE
    -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion
    -Wold-style-cast -Woverloaded-virtual $<$<BOOL:${CORACLE_WERROR}>:-Werror>)
  # g++ 12 warns of any "text" + std::string (PR 105651).
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
    target_compile_options(${target} PRIVATE -Wno-restrict)
  endif()
  # Public, because code in headers depends on them: a user's build must see what ours saw.
  target_compile_definitions(${target} PUBLIC ${coracle_public_definitions})
  target_link_options(${target} PUBLIC ${coracle_public_link_options})
  if(CORACLE_SANITIZE)
    # Not vptr: that check opens a pipe to see whether memory can be read, and so accuses the tests
    # that use up all descriptors.
    target_compile_options(${target} PRIVATE -fsanitize=${CORACLE_SANITIZE} -fno-sanitize=vptr
      -fno-sanitize-recover=all -fno-omit-frame-pointer)
  endif()
endfunction()

# Libraries name our files from the root of the tree, wherever that lay: in what they print of tasks
# and failed checks, and, since a package goes to other machines, in what they tell debuggers. Only
# a debug build leaves these the whole path.
function(coracle_file_names target)
  target_compile_options(${target} PRIVATE -fmacro-prefix-map=${PROJECT_SOURCE_DIR}/=
    $<$<NOT:$<CONFIG:Debug>>:-ffile-prefix-map=${PROJECT_SOURCE_DIR}/=>
    $<$<NOT:$<CONFIG:Debug>>:-ffile-prefix-map=${CMAKE_BINARY_DIR}=.>)
endfunction()

# Links what a USES list names: our layers publicly (their headers show in ours), other libraries
# privately (theirs never do).
function(coracle_use target)
  foreach(name IN LISTS ARGN)
    if(TARGET coracle_${name})
      target_link_libraries(${target} PUBLIC coracle_${name})
    elseif(name STREQUAL "spdlog")  # runtime/log.h formats with its fmt
      target_link_libraries(${target} PUBLIC ${CORACLE_DEPENDENCY_spdlog})
    elseif(DEFINED CORACLE_DEPENDENCY_${name})
      target_link_libraries(${target} PRIVATE ${CORACLE_DEPENDENCY_${name}})
    else()
      message(FATAL_ERROR "${target} uses ${name}: neither a layer nor in cmake/dependencies.cmake")
    endif()
  endforeach()
endfunction()

# coracle_layer(net SOURCES tcp.cc ... HEADERS tcp.h ... USES runtime msgpack)
# Makes the library coracle_<name>, known to users as Coracle::<name>. HEADERS are the public
# headers; they may include each other, and no header that is not listed.
function(coracle_layer name)
  cmake_parse_arguments(PARSE_ARGV 1 layer "" "" "SOURCES;HEADERS;USES")
  set(target coracle_${name})
  add_library(${target} STATIC ${layer_SOURCES})
  add_library(Coracle::${name} ALIAS ${target})
  set_target_properties(${target} PROPERTIES EXPORT_NAME ${name})
  coracle_compile_options(${target})
  coracle_file_names(${target})
  coracle_use(${target} ${layer_USES})
  coracle_public_headers(${target} ${name} ${layer_HEADERS})
  if(CORACLE_INSTALL)
    install(TARGETS ${target} EXPORT CoracleTargets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
    coracle_pkg_config(${name} ${layer_USES})
  endif()
endfunction()

# coracle_app(echo_server SOURCES echo_server.cc USES net cli11): a program.
function(coracle_app name)
  cmake_parse_arguments(PARSE_ARGV 1 app "" "" "SOURCES;USES")
  add_executable(${name} ${app_SOURCES})
  coracle_compile_options(${name})
  coracle_use(${name} ${app_USES})
endfunction()

# coracle_bench(micro SOURCES micro.cc USES runtime benchmark): a program that measures.
function(coracle_bench name)
  coracle_app(${name} ${ARGN})
endfunction()

# coracle_test_headers(<gtest/gtest.h> ...): what nearly every test of a layer includes is parsed
# once, and used by all that come after: it is a third of the time that they take to compile.
function(coracle_test_headers)
  set(empty ${CMAKE_CURRENT_BINARY_DIR}/test_headers.cc)
  file(GENERATE OUTPUT ${empty} CONTENT "")
  add_library(test_headers OBJECT ${empty})
  coracle_compile_options(test_headers)
  coracle_use(test_headers runtime gtest)
  target_precompile_headers(test_headers PRIVATE ${ARGN})
endfunction()

# coracle_test(net_tests SOURCES tcp_test.cc ... USES net): one test program of a folder. ctest
# runs each of its cases in a process of its own and calls it `net_tests:Suite.Case`.
#   PROPERTIES  further ctest properties of each case, e.g. ENVIRONMENT "A=b"
#   MAIN        the program brings its own main()
function(coracle_test name)
  cmake_parse_arguments(PARSE_ARGV 1 test "MAIN" "" "SOURCES;USES;PROPERTIES")
  set(gtest gtest_main)
  if(test_MAIN)
    set(gtest gtest)
  endif()
  coracle_app(${name} SOURCES ${test_SOURCES} USES ${test_USES} ${gtest})
  # A hang is a failure too. Suites named Long* are left to tests/long and may take their time.
  gtest_discover_tests(${name} TEST_PREFIX "${name}:" NO_PRETTY_VALUES TEST_FILTER "-Long*:*/Long*"
    TEST_LIST ${name}_short DISCOVERY_MODE PRE_TEST DISCOVERY_TIMEOUT 60
    PROPERTIES TIMEOUT 120 ${test_PROPERTIES})
  gtest_discover_tests(${name} TEST_PREFIX "${name}:" NO_PRETTY_VALUES TEST_FILTER "Long*:*/Long*"
    TEST_LIST ${name}_long DISCOVERY_MODE PRE_TEST DISCOVERY_TIMEOUT 60
    PROPERTIES TIMEOUT 3600 LABELS long ${test_PROPERTIES})
  if(NOT test_USES)
    return()
  endif()
  target_precompile_headers(${name} REUSE_FROM test_headers)
  # g++ 12 forgets which of it came from system headers, and repeats its false alarms about these
  # (PR 105651 and its kin).
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
    target_compile_options(${name} PRIVATE -Wno-array-bounds -Wno-stringop-overflow
      -Wno-stringop-overread)
  endif()
endfunction()
