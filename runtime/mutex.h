// Mutex: one fiber at a time, also across awaits.
#pragma once

#include <optional>
#include <utility>

#include "runtime/check.h"
#include "runtime/wait_list.h"

namespace coracle {

// Fibers of one loop take turns anyway; a mutex is for what must stay whole across an await.
// Served in the order of asking: unlocking hands it to the one that has waited longest, and nobody
// comes between. Not recursive: a fiber that locks it twice waits for itself. Belongs to one loop,
// and outlives its guards and waiters.
class Mutex {
 public:
  class Guard;
  class Lock;

  // Waits until it is this fiber's turn.
  //   Returns    a Guard, which unlocks when it is destroyed.
  //   Canceled   throws, without the lock; one that was handed the lock first returns it.
  //   Borrows    this mutex, until the guard is destroyed.
  [[nodiscard]] Lock lock();

  // Locks it if nobody holds it.
  //   Returns    a Guard, or nothing.
  [[nodiscard]] std::optional<Guard> try_lock();

  [[nodiscard]] bool locked() const { return locked_; }

 private:
  void unlock();

  WaitList<Lock> waiters_;
  WaitList<Lock> granted_;  // it is theirs, but their fiber has not run yet
  bool locked_ = false;
};

// Holds a mutex. Movable.
class [[nodiscard]] Mutex::Guard {
 public:
  Guard(Guard&& other) noexcept : mutex_(std::exchange(other.mutex_, nullptr)) {}
  Guard& operator=(Guard&& other) noexcept {
    if (this != &other) {
      unlock();
      mutex_ = std::exchange(other.mutex_, nullptr);
    }
    return *this;
  }
  Guard(const Guard&) = delete;
  Guard& operator=(const Guard&) = delete;
  ~Guard() { unlock(); }

  // Unlocks before the end of its life; nothing happens if it no longer holds the mutex.
  void unlock() {
    if (mutex_ != nullptr) std::exchange(mutex_, nullptr)->unlock();
  }
  [[nodiscard]] bool holds() const { return mutex_ != nullptr; }

 private:
  friend class Mutex;
  friend class Lock;
  explicit Guard(Mutex& mutex) : mutex_(&mutex) {}

  Mutex* mutex_;
};

class [[nodiscard]] Mutex::Lock final : public Waiter {
 public:
  explicit Lock(Mutex& mutex) : mutex_(&mutex) {}

  bool try_complete() {
    if (mutex_->locked_) return false;
    mutex_->locked_ = true;
    mutex_->granted_.push_back(*this);
    return true;
  }
  void start() { mutex_->waiters_.push_back(*this); }
  Guard take() {
    unlink();
    return Guard(*mutex_);
  }
  void on_tear_down() override {
    const bool gives_back = linked() && completed();
    unlink();
    if (gives_back) mutex_->unlock();
  }
  [[nodiscard]] const char* waits_for() const override { return "a mutex"; }

 private:
  friend class Mutex;

  Mutex* mutex_;
};

inline Mutex::Lock Mutex::lock() { return Lock(*this); }

inline std::optional<Mutex::Guard> Mutex::try_lock() {
  if (locked_) return std::nullopt;
  locked_ = true;
  return Guard(*this);
}

inline void Mutex::unlock() {
  if (Lock* next = waiters_.pop_front()) {
    granted_.push_back(*next);
    next->complete();
  } else {
    locked_ = false;
  }
}

}  // namespace coracle
