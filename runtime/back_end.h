// The seam below the runtime: what a loop needs from the world. Two implementations: libuv (uv/)
// and simulation. Nothing above this page knows which one it has.
#pragma once

#include <memory>
#include <string_view>

#include "runtime/time.h"

namespace coracle {

// Who is told of a signal.
class SignalSink {
 public:
  virtual void signaled(int number) = 0;

 protected:
  ~SignalSink() = default;
};

// A watch on a signal. Destroying it ends the watch; with the last watch on a signal, its default
// action is restored.
class SignalWatch {
 public:
  SignalWatch() = default;
  SignalWatch(const SignalWatch&) = delete;
  SignalWatch& operator=(const SignalWatch&) = delete;
  virtual ~SignalWatch() = default;
};

class BackEnd {
 public:
  BackEnd() = default;
  BackEnd(const BackEnd&) = delete;
  BackEnd& operator=(const BackEnd&) = delete;
  virtual ~BackEnd() = default;

  // Reads the monotonic clock anew.
  [[nodiscard]] virtual TimePoint now() = 0;

  // Makes a poll that waits (or the next one) return, so that posted work is run. The only
  // function here that any thread may call.
  virtual void wake() = 0;

  // Tells `sink` of each signal `number` that arrives, on the loop's thread, until the watch is
  // destroyed. Throws Error when the signal cannot be watched (SIGKILL).
  [[nodiscard]] virtual std::unique_ptr<SignalWatch> watch_signal(int number,
                                                                  SignalSink& sink) = 0;

  // A check failed on this loop: says what this back end knows of the circumstances (a simulation:
  // seed, host, virtual time) on standard error. The caller then aborts.
  virtual void check_failed(std::string_view message) = 0;
};

}  // namespace coracle
