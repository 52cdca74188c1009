// A loop on this thread, driven step by step. run() is this and a while loop; tests use it to stop
// between steps. Mechanism.
#pragma once

#include <memory>

#include "runtime/loop.h"
#include "runtime/run.h"

namespace coracle {

class LoopDriver {
 public:
  // Makes a loop with the real back end.
  //   Throws     Error when the system gives none.
  //   Requires   a thread that runs no other loop.
  explicit LoopDriver(const RunOptions& options);
  LoopDriver(const LoopDriver&) = delete;
  LoopDriver& operator=(const LoopDriver&) = delete;
  // Closes everything.
  //   Requires   that main has ended or was torn down.
  ~LoopDriver();

  [[nodiscard]] Loop& loop();

  // Makes `main` the main fiber.
  void start(Task<> main);
  // One pass: ready fibers, then a poll (waiting only if nothing is ready), then deadlines, then
  // ready fibers.
  //   Returns    false once main has ended.
  bool step();
  // Asks the main scope to stop: what SIGINT does.
  void cancel_main();
  // A crash: destroys all fibers, leaf first.
  void tear_down();
  // Waits for what goes on without a fiber (lingering streams, abandoned lookups), and throws what
  // main threw.
  void finish();

 private:
  void drain();

  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace coracle
