// Signals of the system, awaited.
//
//   Signals signals({SIGHUP, SIGUSR1});
//   for (;;) reload(co_await signals.next());
#pragma once

#include <deque>
#include <initializer_list>
#include <memory>
#include <vector>

#include "runtime/back_end.h"
#include "runtime/leaf.h"

namespace coracle {

class NextSignalOperation;

// Catches signals, from its construction to its end. Then, unless somebody else in the process
// watches them, they have their default action again. Where several watch a signal (run() watches
// SIGINT, SIGTERM and SIGQUIT, see RunOptions), all of them get it. Belongs to one loop.
class Signals final : private SignalSink {
 public:
  // A constructor and nothing to await: GCC 12 takes no braced list inside a co_await expression.
  //   Throws     Error for a signal that cannot be caught (SIGKILL).
  //   Requires   a current loop.
  Signals(std::initializer_list<int> numbers);
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;
  // Requires that nobody waits for it.
  ~Signals();

  // Waits for the next signal.
  //   Returns    its number. Signals of one number that arrive before they are asked for count as
  //              one, as they do in the system.
  //   Canceled   loses nothing.
  //   Borrows    this object until it returns.
  //   Requires   no other wait in progress.
  [[nodiscard]] NextSignalOperation next();

 private:
  friend class NextSignalOperation;

  void signaled(int number) override;

  std::deque<int> arrived_;  // in order, each number at most once
  NextSignalOperation* waiter_ = nullptr;
  std::vector<std::unique_ptr<SignalWatch>> watches_;
};

// What Signals::next() returns; await it.
class [[nodiscard]] NextSignalOperation final : public Leaf {
 public:
  explicit NextSignalOperation(Signals& signals) : signals_(signals) {}

  bool try_complete();
  void start();
  [[nodiscard]] int take() const { return number_; }
  void on_cancel() override;
  void on_tear_down() override;
  [[nodiscard]] const char* waits_for() const override { return "a signal"; }

 private:
  friend class Signals;

  Signals& signals_;
  int number_ = 0;
};

}  // namespace coracle
