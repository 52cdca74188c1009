// run(): a loop on this thread, for as long as its main task runs.
//
//   int main() { coracle::run(serve_echo()); }
#pragma once

#include <functional>
#include <string_view>

#include "runtime/log.h"
#include "runtime/task.h"
#include "runtime/time.h"

namespace coracle {

struct RunOptions {
  // SIGINT and SIGTERM cancel the main task; a second one has its default action.
  bool cancel_on_signals = true;
  // SIGQUIT prints the tree of tasks to standard error and goes on.
  bool dump_tasks_on_sigquit = true;
  // Logs each fiber that runs this long without suspending (20ms is a good value): nobody else ran
  // meanwhile, and no input was seen. 0 logs none.
  //   stalled task=index ran=36ms since=serve.cc:40 at=serve.cc:71>index.cc:12
  // It went on after the await in `since` (its_start: it began), and is now in those in `at`, from
  // the outermost inward (its_end: it has ended). What it ran is exact to a tick of the kernel's
  // clock (10 ms at most), and includes what the machine gave to others. Costs some nanoseconds for
  // each resumption. In a simulation nothing takes time while it runs: there is nothing to log.
  Duration log_stalls_over{};
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
