// run(): a loop on this thread, for as long as its main task runs.
//
//   int main() { coracle::run(serve_echo()); }
#pragma once

#include <functional>
#include <string_view>

#include "runtime/log.h"
#include "runtime/task.h"

namespace coracle {

struct RunOptions {
  // SIGINT and SIGTERM cancel the main task; a second one has its default action.
  bool cancel_on_signals = true;
  // SIGQUIT prints the tree of tasks to standard error and goes on.
  bool dump_tasks_on_sigquit = true;
  // The least level that is logged.
  LogLevel log_level = LogLevel::info;
  // Takes each log line (without a newline); the default writes it to standard error.
  std::function<void(std::string_view)> log_sink;
};

// Makes a loop on this thread and runs `main` and all that it starts to their end.
//   Returns    when main has returned, or ended because a signal canceled it; every socket, file
//              watch and handle of the loop is closed then, and connections that still had bytes
//              to send have sent them or given up (net/tcp.h, linger).
//   Throws     what main threw; Error when the system gives no loop.
//   Requires   a thread that runs no other loop.
void run(Task<> main, const RunOptions& options = {});

}  // namespace coracle
