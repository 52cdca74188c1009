#include "runtime/loop.h"

#include <spdlog/logger.h>

#include <utility>

#include "runtime/back_end.h"
#include "runtime/frame_pool.h"
#include "runtime/task.h"
#include "runtime/task_group.h"

namespace coracle {

constinit thread_local Loop* current_loop_of_thread = nullptr;

TimePoint Clock::now() { return Loop::current().back_end().now(); }

Random& random() { return Loop::current().random(); }

CurrentLoop::CurrentLoop(Loop& loop) : previous_(std::exchange(current_loop_of_thread, &loop)) {}

CurrentLoop::~CurrentLoop() { current_loop_of_thread = previous_; }

NoCurrentLoop::NoCurrentLoop() : hidden_(std::exchange(current_loop_of_thread, nullptr)) {}

NoCurrentLoop::~NoCurrentLoop() { current_loop_of_thread = hidden_; }

bool Mailbox::post(std::function<void()> function) {
  const std::lock_guard lock(mutex_);
  if (back_end_ == nullptr) return false;
  posted_.push_back(std::move(function));
  if (posted_.size() == 1) back_end_->wake();
  return true;
}

std::vector<std::function<void()>> Mailbox::take() {
  const std::lock_guard lock(mutex_);
  return std::exchange(posted_, {});
}

void Mailbox::close() {
  std::vector<std::function<void()>> dropped;  // destroyed outside the lock
  const std::lock_guard lock(mutex_);
  back_end_ = nullptr;
  dropped.swap(posted_);
}

Loop::Loop(BackEnd& back_end, std::uint64_t seed, std::shared_ptr<spdlog::logger> logger)
    : back_end_(back_end),
      random_(seed),
      stalls_(back_end),
      mailbox_(std::make_shared<Mailbox>(back_end)),
      logger_(std::move(logger)) {}

Loop::~Loop() {
  CORACLE_CHECK(live_fibers_ == 0, "a loop ends after its fibers");
  mailbox_->close();
  end_extension();
}

void Loop::end_extension() {
  const CurrentLoop current(*this);
  extension_.reset();
}

void Loop::extend(std::unique_ptr<LoopExtension> extension) {
  CORACLE_CHECK(extension_ == nullptr, "a loop is extended once");
  extension_ = std::move(extension);
}

void Loop::begin_pass() {
  ++pass_;
  budget_ = resumptions_per_pass_;
}

void Loop::run_ready() {
  if (resuming_ || stopped_) return;
  resuming_ = true;
  if (budget_ == 0 && !exact_budget_) budget_ = 1;
  if (stalls_.on()) stalls_.batch_begins();
  while (first_ready_ != nullptr && budget_ > 0) {
    --budget_;
    ++resumptions_;
    Fiber& fiber = *first_ready_;
    first_ready_ = fiber.next_ready_;
    if (stalls_.on()) [[unlikely]]
      stalls_.goes_on(fiber);
    running_ = &fiber;
    fiber.pump();
    running_ = nullptr;
    if (stalls_.on()) [[unlikely]]
      stalls_.has_suspended(fiber);
    if (!fiber.ended()) continue;
    if (&fiber == main_) {
      main_ = nullptr;
    } else {
      fiber.group()->child_ended(fiber);
    }
  }
  resuming_ = false;
}

void Loop::stop_resuming() {
  stopped_ = true;
  budget_ = 0;
}

void Loop::run_posted() {
  for (const std::function<void()>& function : mailbox_->take()) function();
}

void Loop::start_main(Fiber& main) {
  CORACLE_CHECK(main_ == nullptr, "a loop has one main fiber");
  main_ = &main;
  make_ready(main);
}

void Loop::tear_down() {
  CORACLE_CHECK(!resuming_, "a running frame is never destroyed");
  const CurrentLoop current(*this);
  tearing_down_ = true;
  first_ready_ = nullptr;
  if (main_ != nullptr) std::exchange(main_, nullptr)->tear_down();
  timers_.clear();
}

}  // namespace coracle
