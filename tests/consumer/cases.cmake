# What a user does with the package, one test per way: see run. All share one installed tree.
set(cases find_package pkg_config)
# That a build's checks and sanitizers reach a user's project is all that there is to see of other
# builds than those of release.
if(CMAKE_BUILD_TYPE STREQUAL "Release" AND NOT CORACLE_SANITIZE)
  list(APPEND cases installed_tree headers fetch_content fetch_content_whole refused sanitized
    readmes)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")  # what the package is made with; once is enough
    list(APPEND cases lone_headers)
    find_program(DPKG_DEB dpkg-deb)
    if(DPKG_DEB)
      list(APPEND cases debian_package)
    endif()
  else()
    list(APPEND cases other_compiler)
  endif()
endif()

foreach(case IN ITEMS install LISTS cases)
  add_test(NAME consumer:${case} COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/consumer/run ${case}
    ${PROJECT_SOURCE_DIR} ${PROJECT_BINARY_DIR} ${CMAKE_CXX_COMPILER})
  set_tests_properties(consumer:${case} PROPERTIES TIMEOUT 300 FIXTURES_REQUIRED consumer_install)
endforeach()
set_tests_properties(consumer:install PROPERTIES FIXTURES_REQUIRED ""
  FIXTURES_SETUP consumer_install)
if(TEST consumer:fetch_content_whole)
  set_tests_properties(consumer:fetch_content_whole PROPERTIES LABELS long TIMEOUT 3600)
endif()
