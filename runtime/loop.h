// The core of a loop: ready fibers, deadlines, and what other threads post. It is passive: a
// driver (run(), or a simulated world) calls step functions and polls the back end in between.
#pragma once

#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "runtime/check.h"
#include "runtime/leaf.h"
#include "runtime/random.h"
#include "runtime/stall_watch.h"
#include "runtime/timer_heap.h"

namespace spdlog {
class logger;
}

namespace coracle {

class BackEnd;

// What a layer above the runtime keeps per loop, such as net's back end.
class LoopExtension {
 public:
  LoopExtension() = default;
  LoopExtension(const LoopExtension&) = delete;
  LoopExtension& operator=(const LoopExtension&) = delete;
  virtual ~LoopExtension() = default;

  // True while something goes on that no fiber waits for: the driver polls on until it is false.
  [[nodiscard]] virtual bool busy() const = 0;
  // What that is, in words, for the log line that says why a loop does not end.
  [[nodiscard]] virtual std::string busy_with() const = 0;
};

// Where other threads leave work for a loop. Outlives the loop; then posting does nothing.
class Mailbox {
 public:
  explicit Mailbox(BackEnd& back_end) : back_end_(&back_end) {}

  // Has `function` called on the loop's thread, in the order of posting. From any thread.
  //   Returns    false if the loop has ended: then nothing will be called.
  bool post(std::function<void()> function);

  // For the loop: takes what was posted; closes it for good.
  std::vector<std::function<void()>> take();
  void close();

 private:
  std::mutex mutex_;
  BackEnd* back_end_;
  std::vector<std::function<void()>> posted_;
};

class Loop {
 public:
  // How many resumptions may pass between two polls of the back end, unless a test sets another.
  static constexpr int kResumptionsPerPass = 256;

  Loop(BackEnd& back_end, std::uint64_t seed, std::shared_ptr<spdlog::logger> logger);
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;
  ~Loop();

  // The loop of this thread's running fiber, callback or tear-down.
  //   Requires   one.
  static Loop& current();
  // The same, nullptr outside a loop.
  static Loop* current_or_null();

  [[nodiscard]] BackEnd& back_end() const { return back_end_; }
  [[nodiscard]] Random& random() { return random_; }
  [[nodiscard]] TimerHeap& timers() { return timers_; }
  [[nodiscard]] spdlog::logger& logger() const { return *logger_; }
  [[nodiscard]] const std::shared_ptr<Mailbox>& mailbox() const { return mailbox_; }
  [[nodiscard]] Fiber* running_fiber() const { return running_; }
  // Counts the polls of the back end.
  [[nodiscard]] std::uint64_t pass() const { return pass_; }
  // True while frames are destroyed instead of resumed: waking, spawning and I/O do nothing then.
  [[nodiscard]] bool tearing_down() const { return tearing_down_; }

  // Installs `extension` (once), for extension().
  void extend(std::unique_ptr<LoopExtension> extension);
  [[nodiscard]] LoopExtension* extension() const { return extension_.get(); }
  // Ends it before the loop: a crash, in which it is not waited for.
  void end_extension();

  // --- for the driver -------------------------------------------------------------------------
  // Begins a pass: a new budget of resumptions.
  void begin_pass();
  // For tests that step: exactly so many in a pass, whatever the back end completes.
  void set_resumptions_per_pass(int count) {
    resumptions_per_pass_ = count;
    exact_budget_ = true;
  }
  // True once the pass has used up its resumptions.
  [[nodiscard]] bool pass_is_spent() const { return budget_ <= 0; }
  // How many fibers were resumed since the loop was made.
  [[nodiscard]] std::uint64_t resumptions() const { return resumptions_; }
  // Resumes ready fibers until there is none, or the pass's budget is spent. Back-end callbacks
  // end with it, and each may resume one fiber in any case: else a thousand connections would all
  // be read before most of them are served, when their buffers have left the cache. Inside a
  // fiber, or another call of it, it does nothing.
  void run_ready();
  [[nodiscard]] bool has_ready() const { return first_ready_ != nullptr; }
  // Resumes no fiber any more once the running one has suspended: the loop is going to be torn
  // down.
  void stop_resuming();
  [[nodiscard]] bool stopped() const { return stopped_; }
  // Lets deadlines up to `now` expire. Called after the poll, so that I/O comes first.
  void expire_timers(TimePoint now) { timers_.expire(now); }
  // Has fibers logged that run longer than `limit` without suspending; 0 ends that.
  void log_stalls_over(Duration limit) { stalls_.set_limit(limit); }
  // Calls what other threads have posted.
  void run_posted();
  // Becomes the main fiber, made ready: the fiber at the root of all others.
  void start_main(Fiber& main);
  // True until the main fiber has ended.
  [[nodiscard]] bool main_runs() const { return main_ != nullptr; }
  [[nodiscard]] Fiber* main_fiber() const { return main_; }
  // Destroys all fibers, leaf first, without resuming any: a crash.
  void tear_down();

  // --- for fibers -----------------------------------------------------------------------------
  void make_ready(Fiber& fiber);
  [[nodiscard]] std::size_t live_fibers() const { return live_fibers_; }

 private:
  friend class Fiber;
  friend class CurrentLoop;

  BackEnd& back_end_;
  Random random_;
  TimerHeap timers_;
  StallWatch stalls_;
  Fiber* first_ready_ = nullptr;
  Fiber* last_ready_ = nullptr;
  Fiber* running_ = nullptr;
  Fiber* main_ = nullptr;
  std::uint64_t pass_ = 0;
  std::size_t live_fibers_ = 0;
  int resumptions_per_pass_ = kResumptionsPerPass;
  int budget_ = 0;
  std::uint64_t resumptions_ = 0;
  bool exact_budget_ = false;
  bool stopped_ = false;
  bool resuming_ = false;
  bool tearing_down_ = false;
  std::shared_ptr<Mailbox> mailbox_;
  std::shared_ptr<spdlog::logger> logger_;
  std::unique_ptr<LoopExtension> extension_;
};

// Makes a loop the current one of this thread, for as long as this object lives.
class CurrentLoop {
 public:
  explicit CurrentLoop(Loop& loop);
  CurrentLoop(const CurrentLoop&) = delete;
  CurrentLoop& operator=(const CurrentLoop&) = delete;
  ~CurrentLoop();

 private:
  Loop* previous_;
};

// Hides the current loop, for as long as this object lives: for what has a thread of its own in
// reality.
class NoCurrentLoop {
 public:
  NoCurrentLoop();
  NoCurrentLoop(const NoCurrentLoop&) = delete;
  NoCurrentLoop& operator=(const NoCurrentLoop&) = delete;
  ~NoCurrentLoop();

 private:
  Loop* hidden_;
};

// Internal: the current loop of this thread, for the inline fast paths.
extern constinit thread_local Loop* current_loop_of_thread;

inline Loop* Loop::current_or_null() { return current_loop_of_thread; }

inline Loop& Loop::current() {
  CORACLE_CHECK(current_loop_of_thread != nullptr, "this is called inside a loop only");
  return *current_loop_of_thread;
}

inline Fiber& Fiber::running() {
  Fiber* fiber = Loop::current().running_fiber();
  CORACLE_CHECK(fiber != nullptr, "this is called inside a fiber only");
  return *fiber;
}

inline void Loop::make_ready(Fiber& fiber) {
  if (tearing_down_) [[unlikely]]
    return;
  fiber.next_ready_ = nullptr;
  (first_ready_ == nullptr ? first_ready_ : last_ready_->next_ready_) = &fiber;
  last_ready_ = &fiber;
  __builtin_prefetch(fiber.innermost_);  // its turn is near, and its frame may be long cold
}

inline void Fiber::wake() { loop_.make_ready(*this); }

inline void Fiber::yield_turn() {
  looks_first_ = true;
  wake();
}

inline void Leaf::complete() {
  CORACLE_CHECK(waiting(), "an operation is completed once, while it waits");
  phase_ = Phase::completed;
  fiber_->wake();
}

inline void Leaf::finish_canceled() {
  CORACLE_CHECK(waiting(), "an operation is completed once, while it waits");
  phase_ = Phase::canceled;
  fiber_->wake();
}

}  // namespace coracle
