// Runs a test's coroutine on a real loop, with a directory of its own.
#pragma once

#include <chrono>
#include <string>

#include "runtime/file.h"
#include "runtime/run.h"
#include "runtime/shielded.h"
#include "runtime/timeout.h"

namespace coracle::raft {

template <class Body>
Task<> call_with_directory(Body& body) {
  const std::string directory = co_await make_temporary_directory("coracle-raft-");
  co_await with_cleanup(with_timeout(std::chrono::seconds(30), body(directory)),
                        remove_tree(directory));
}

// Awaits `body(directory)`, for half a minute at most, and removes the directory.
template <class Body>
void run_with_directory(Body body) {
  RunOptions options;
  options.log_level = LogLevel::warn;
  run(call_with_directory(body), options);
}

}  // namespace coracle::raft
