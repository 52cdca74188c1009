// Remote<T>: awaiting what another thread answers.
//
//   Remote<Digest> digest;
//   pool.submit([sender = digest.sender(), file]() mutable { sender.complete(hash(file)); });
//   Digest found = co_await digest.receive();
#pragma once

#include <atomic>
#include <exception>
#include <memory>
#include <system_error>
#include <utility>

#include "runtime/error.h"
#include "runtime/outcome.h"
#include "runtime/post.h"
#include "runtime/wait_list.h"

namespace coracle {

template <class T = void>
class Remote;

namespace remote_detail {

// What both sides share. `outcome` belongs to the sender until it posts, and to the loop after;
// `home` to the loop always.
template <class T>
struct Block {
  explicit Block(LoopRef receiving) : loop(std::move(receiving)) {}

  LoopRef loop;
  Outcome<T> outcome;
  Remote<T>* home = nullptr;
  std::atomic<bool> abandoned = false;
};

}  // namespace remote_detail

// The other thread's side. Movable; used by one thread at a time; either side may end first.
template <class T>
class RemoteSender {
 public:
  RemoteSender(RemoteSender&&) noexcept = default;
  RemoteSender& operator=(RemoteSender&& other) noexcept {
    if (this != &other) {
      drop();
      block_ = std::move(other.block_);
    }
    return *this;
  }
  RemoteSender(const RemoteSender&) = delete;
  RemoteSender& operator=(const RemoteSender&) = delete;
  // If it has sent nothing, receive() throws Error (std::errc::owner_dead).
  ~RemoteSender() { drop(); }

  // Sends the result.
  //   Returns    true if the loop accepted it; it arrives unless the loop or the Remote ends first.
  //              False if the loop has ended: nobody will see it.
  //   Requires   that nothing was sent before.
  template <class... Args>
    requires Outcome<T>::template
  kCompletes<Args...> bool complete(Args&&... value) {
    check_open();
    block_->outcome.complete(std::forward<Args>(value)...);
    return send();
  }

  // Sends a failure instead, which receive() throws. Returns and requires the same.
  bool fail(std::exception_ptr failure) {
    check_open();
    block_->outcome.fail(std::move(failure));
    return send();
  }

  // True once the Remote has ended: the work may be left undone. False after sending.
  [[nodiscard]] bool abandoned() const {
    return block_ != nullptr && block_->abandoned.load(std::memory_order_relaxed);
  }

 private:
  friend class Remote<T>;
  explicit RemoteSender(std::shared_ptr<remote_detail::Block<T>> block)
      : block_(std::move(block)) {}

  void check_open() const {
    CORACLE_CHECK(block_ != nullptr, "a remote result is sent once, by the sender's last owner");
  }
  void drop() {
    if (block_ == nullptr) return;
    fail(std::make_exception_ptr(
        Error(std::make_error_code(std::errc::owner_dead), "receive from another thread")));
  }
  bool send() {
    std::shared_ptr<remote_detail::Block<T>> block = std::move(block_);
    const LoopRef loop = block->loop;
    return loop.post([block = std::move(block)] {
      if (block->home != nullptr) block->home->arrived();
    });
  }

  std::shared_ptr<remote_detail::Block<T>> block_;
};

// The loop's side. Belongs to the loop on which it was made; may end before the sender.
template <class T>
class Remote {
 public:
  class Receive;

  //   Requires   a current loop.
  Remote() : block_(std::make_shared<remote_detail::Block<T>>(current_loop_ref())) {
    block_->home = this;
  }
  Remote(const Remote&) = delete;
  Remote& operator=(const Remote&) = delete;
  ~Remote() {
    block_->home = nullptr;
    block_->abandoned.store(true, std::memory_order_relaxed);
  }

  // The other side, to be moved to another thread.
  //   Requires   that it was not asked for before.
  [[nodiscard]] RemoteSender<T> sender() {
    CORACLE_CHECK(!sender_made_, "a Remote has one sender");
    sender_made_ = true;
    return RemoteSender<T>(block_);
  }

  // Waits for the result.
  //   Returns    what the sender completed it with.
  //   Throws     what the sender failed with; Error (std::errc::owner_dead) when the sender was
  //              destroyed without sending.
  //   Canceled   throws and leaves it open: the result may still come, and can be awaited again. A
  //              result that came first is returned.
  //   Borrows    this Remote.
  //   Requires   that nobody else waits, and that the result was not taken.
  [[nodiscard]] Receive receive() { return Receive(*this); }

 private:
  friend class RemoteSender<T>;

  void arrived() {
    arrived_ = true;
    Receive* receiver = receivers_.pop_front();
    if (receiver == nullptr) return;
    taking_.push_back(*receiver);
    receiver->finish();
  }

  std::shared_ptr<remote_detail::Block<T>> block_;
  WaitList<Receive> receivers_;  // at most one
  WaitList<Receive> taking_;     // woken, but its fiber has not run yet
  bool sender_made_ = false;
  bool arrived_ = false;
};

template <class T>
class [[nodiscard]] Remote<T>::Receive final : public Waiter {
 public:
  explicit Receive(Remote& remote) : remote_(&remote) {}

  bool try_complete() {
    if (!remote_->arrived_) return false;
    remote_->taking_.push_back(*this);
    return true;
  }
  void start() {
    CORACLE_CHECK(remote_->receivers_.empty(), "one task at a time waits for a Remote");
    remote_->receivers_.push_back(*this);
  }
  T take() {
    unlink();
    return remote_->block_->outcome.take();
  }
  [[nodiscard]] const char* waits_for() const override { return "another thread"; }

 private:
  friend class Remote;
  void finish() { complete(); }

  Remote* remote_;
};

}  // namespace coracle
