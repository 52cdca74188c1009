// What a program must share with the library that it links: C++20, and the checks that the library
// was built with. Mechanism; users of the framework need not look here.
#pragma once

#if __cplusplus < 202002L
#error "Coracle needs C++20: compile with -std=c++20 or later"
#endif

// Code in headers does what the library expects of it only if both were compiled with the same
// CORACLE_ definitions: a frame may be allocated by the one and released by the other. CMake's
// targets and pkg-config pass them on. For who writes his own flags they are a part of the names
// that such code refers to: a program with others than the library's is not linked, and
// `coracle::built_with_debug_checks::...` in the linker's message tells what the program asks for.
#if defined(CORACLE_DEBUG_CHECKS) && defined(CORACLE_SANITIZED)
#define CORACLE_BUILD_MODE built_with_debug_checks_and_sanitizers
#elif defined(CORACLE_DEBUG_CHECKS)
#define CORACLE_BUILD_MODE built_with_debug_checks
#elif defined(CORACLE_SANITIZED)
#define CORACLE_BUILD_MODE built_with_sanitizers
#else
#define CORACLE_BUILD_MODE built_without_debug_checks
#endif
