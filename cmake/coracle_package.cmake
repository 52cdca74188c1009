# What `cmake --install` adds to the libraries and headers, so that find_package(Coracle) works.
include(CMakePackageConfigHelpers)
set(package_folder lib/cmake/Coracle)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/CoracleConfigVersion.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/CoracleConfigVersion.cmake
  ${PROJECT_SOURCE_DIR}/cmake/CoracleConfig.cmake DESTINATION ${package_folder})
install(EXPORT CoracleTargets NAMESPACE Coracle:: DESTINATION ${package_folder})
