# cmake -D way=find_package|fetch_content -D ... -P run.cmake
# Builds the consumer project against an installed tree, and runs it; or against the sources, where
# compiling it proves what is at stake: the include path, and headers that are there in time. The
# programs that the README pages show are built as well.
function(run_step)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE status OUTPUT_VARIABLE said ERROR_VARIABLE said)
  if(NOT status EQUAL 0)
    list(JOIN ARGN " " command)
    message(FATAL_ERROR "${command}\n${said}")
  endif()
  set(said "${said}" PARENT_SCOPE)
endfunction()

file(REMOVE_RECURSE ${work})
set(configure ${CMAKE_COMMAND} -S ${consumer} -B ${work}/build -G Ninja
  -D CMAKE_BUILD_TYPE=Release -D CMAKE_CXX_COMPILER=${compiler})

if(way STREQUAL "fetch_content")
  run_step(${configure} -D CORACLE_SOURCE=${source})
  run_step(${CMAKE_COMMAND} --build ${work}/build --target CMakeFiles/consumer.dir/main.cc.o)
else()
  run_step(${CMAKE_COMMAND} --install ${build} --prefix ${work}/installed)
  run_step(${configure} -D CMAKE_PREFIX_PATH=${work}/installed
    "-DCORACLE_READMES=${source}/README.md\;${source}/runtime/README.md\;${source}/net/README.md")
  run_step(${CMAKE_COMMAND} --build ${work}/build)
  run_step(${work}/build/consumer)
  if(NOT said MATCHES "echoed !")
    message(FATAL_ERROR "the consumer printed: ${said}")
  endif()
  run_step(${work}/build/net_readme_1)
  if(NOT said MATCHES "seed 1: counted to 14\n")
    message(FATAL_ERROR "the program of net/README.md printed: ${said}")
  endif()
endif()
