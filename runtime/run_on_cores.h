// run_on_cores(): a loop on each of several threads, and nothing shared between them.
//
//   int main() {
//     coracle::run_on_cores(0, [](std::size_t core) { return serve_echo(core); });
//   }
//
// For servers, each loop listens on the same port (net/tcp.h, reuse_port), and the kernel spreads
// the connections. What loops have to tell each other goes through LoopRef::post (post.h) and
// Remote (remote.h); everything else belongs to one loop. It has no simulated form.
#pragma once

#include <cstddef>
#include <functional>

#include "runtime/run.h"
#include "runtime/task.h"

namespace coracle {

// Makes the main task of loop `core`: 0, 1, ... Called once on each thread, inside its loop, so it
// may call now() or current_loop_ref(). Several threads call it at once.
using CoreMain = std::function<Task<>(std::size_t core)>;

// Runs as many loops, each on a thread of its own with its own chances, and waits for them.
//   Returns    when all main tasks have returned, or ended because a signal canceled them; all
//              threads and loops have ended then. A loop whose main has ended goes first, and the
//              others go on: what is posted to it is refused.
//   Throws     the first failure, of a main task, of `make_main` or of a loop that cannot be made,
//              after it has canceled the other loops, and all threads have ended; further failures
//              are logged. Error when the system gives no loop or no thread.
//   Borrows    `make_main`, and what it refers to.
//   Requires   a thread that runs no loop. `cores` is at most a few times the machine's; 0 stands
//              for as many threads as the machine runs at once.
//
// Options are those of run(), for each loop. The first SIGINT or SIGTERM cancels all loops; the
// second has its default action. The calling thread runs none of the loops: it watches these
// signals, and the signals of the process are blocked on the others, so that no call of theirs is
// interrupted (SIGSEGV and its like are not: they belong to the thread that caused them). SIGQUIT
// prints the tasks of each loop, below `core-0`, `core-1`, ... Lines of several loops are not
// mixed, and one thread at a time calls `log_sink`.
void run_on_cores(std::size_t cores, const CoreMain& make_main, const RunOptions& options = {});

}  // namespace coracle
