// Semaphore: at most so many at a time.
#pragma once

#include <cstddef>
#include <optional>
#include <utility>

#include "runtime/wait_list.h"

namespace coracle {

// Counts permits. Served in the order of asking: a permit that comes free is handed to the one that
// has waited longest, and nobody comes between. Belongs to one loop, and outlives its permits and
// waiters.
class Semaphore {
 public:
  class Permit;
  class Acquire;

  explicit Semaphore(std::size_t permits) : available_(permits) {}

  // Waits for a permit.
  //   Returns    a Permit, which is released when it is destroyed.
  //   Canceled   throws, without a permit; one that was handed a permit first returns it.
  //   Borrows    this semaphore, until the permit is destroyed.
  [[nodiscard]] Acquire acquire();

  // Takes a permit if one is free.
  //   Returns    a Permit, or nothing.
  [[nodiscard]] std::optional<Permit> try_acquire();

  // Adds permits: ones that Permit::keep() had kept, or new ones. Waiters are served first.
  void release(std::size_t permits = 1);

  // How many permits are free.
  [[nodiscard]] std::size_t available() const { return available_; }

 private:
  WaitList<Acquire> waiters_;
  WaitList<Acquire> granted_;  // theirs is taken, but their fiber has not run yet
  std::size_t available_;      // 0 while anybody waits
};

// Holds one permit. Movable.
class [[nodiscard]] Semaphore::Permit {
 public:
  Permit(Permit&& other) noexcept : semaphore_(std::exchange(other.semaphore_, nullptr)) {}
  Permit& operator=(Permit&& other) noexcept {
    if (this != &other) {
      release();
      semaphore_ = std::exchange(other.semaphore_, nullptr);
    }
    return *this;
  }
  Permit(const Permit&) = delete;
  Permit& operator=(const Permit&) = delete;
  ~Permit() { release(); }

  // Releases before the end of its life; nothing happens if it holds no permit.
  void release() {
    if (semaphore_ != nullptr) std::exchange(semaphore_, nullptr)->release();
  }
  // Keeps the permit taken beyond this object's life, until somebody calls Semaphore::release().
  void keep() { semaphore_ = nullptr; }
  [[nodiscard]] bool holds() const { return semaphore_ != nullptr; }

 private:
  friend class Semaphore;
  friend class Acquire;
  explicit Permit(Semaphore& semaphore) : semaphore_(&semaphore) {}

  Semaphore* semaphore_;
};

class [[nodiscard]] Semaphore::Acquire final : public Waiter {
 public:
  explicit Acquire(Semaphore& semaphore) : semaphore_(&semaphore) {}

  bool try_complete() {
    if (semaphore_->available_ == 0) return false;
    --semaphore_->available_;
    semaphore_->granted_.push_back(*this);
    return true;
  }
  void start() { semaphore_->waiters_.push_back(*this); }
  Permit take() {
    unlink();
    return Permit(*semaphore_);
  }
  void on_tear_down() override {
    const bool gives_back = linked() && completed();
    unlink();
    if (gives_back) semaphore_->release();
  }
  [[nodiscard]] const char* waits_for() const override { return "a permit"; }

 private:
  friend class Semaphore;

  Semaphore* semaphore_;
};

inline Semaphore::Acquire Semaphore::acquire() { return Acquire(*this); }

inline std::optional<Semaphore::Permit> Semaphore::try_acquire() {
  if (available_ == 0) return std::nullopt;
  --available_;
  return Permit(*this);
}

inline void Semaphore::release(std::size_t permits) {
  for (; permits > 0; --permits) {
    Acquire* next = waiters_.pop_front();
    if (next == nullptr) break;
    granted_.push_back(*next);
    next->complete();
  }
  available_ += permits;
}

}  // namespace coracle
