// A loop, driven step by step. run() is this and a while loop; tests use it to stop between steps,
// and simulated worlds to make many loops take turns. Mechanism.
#pragma once

#include <cstdint>
#include <exception>
#include <memory>
#include <string_view>

#include "runtime/back_end.h"
#include "runtime/loop.h"
#include "runtime/run.h"

namespace coracle {

class LoopDriver {
 public:
  // Makes a loop with the real back end. It is this thread's current loop until the driver ends.
  //   Throws     Error when the system gives none.
  //   Requires   a thread that runs no other loop.
  explicit LoopDriver(const RunOptions& options);
  // Makes a loop with any back end. It is the current one only while a function of the driver runs.
  LoopDriver(std::unique_ptr<BackEnd> back_end, std::uint64_t seed, const RunOptions& options);
  LoopDriver(const LoopDriver&) = delete;
  LoopDriver& operator=(const LoopDriver&) = delete;
  // Waits for what goes on without a fiber, and closes everything.
  //   Requires   that main has ended or was torn down.
  ~LoopDriver();

  [[nodiscard]] Loop& loop();

  // Makes `main` the main fiber.
  void start(Task<> main, std::string_view name = "main");
  // One pass: a poll (waiting only if nothing is ready), then deadlines, then ready fibers.
  //   Returns    false once main has ended.
  bool step();
  // Asks the main scope to stop: what SIGINT does.
  void cancel_main();
  // Returns    what main threw; nullptr if it did not.
  [[nodiscard]] const std::exception_ptr& failure() const;
  // The same, and keeps nothing of it.
  [[nodiscard]] std::exception_ptr take_failure();
  // True while something goes on without a fiber: lingering streams, abandoned lookups.
  [[nodiscard]] bool busy() const;
  // A crash: destroys all fibers, leaf first.
  void tear_down();
  // Waits for what goes on without a fiber, and throws what main threw.
  void finish();

 private:
  void stay_current();
  void drain();

  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace coracle
