// Channel<T>: a bounded queue between fibers.
#pragma once

#include <cstddef>
#include <optional>
#include <type_traits>
#include <utility>

#include "runtime/ring_buffer.h"
#include "runtime/wait_list.h"

namespace coracle {

// Values come out in the order in which they were accepted; senders and receivers are served in
// the order of asking, and a value goes straight to the receiver that has waited longest. With
// capacity 0 it holds nothing: a sender waits until a receiver takes its value. Belongs to one
// loop; all that wait in it have left before it is destroyed (close() sends them away).
template <class T>
class Channel {
  static_assert(std::is_nothrow_move_constructible_v<T>, "a value on its way must not get lost");

 public:
  class Send;
  class Receive;

  explicit Channel(std::size_t capacity) : capacity_(capacity) {}

  // Waits until there is room (or a receiver) and puts `value` in. GCC 12 destroys some temporaries
  // in a co_await expression twice: name a value first, then `co_await channel.send(std::move(v))`.
  //   Returns    true once the channel has accepted it; false if the channel is closed, or was
  //              closed meanwhile.
  //   Canceled   throws: the value was not accepted and is not in the channel. Like a value that
  //              was refused it is still in the operation: a sender that needs it back names the
  //              operation and asks unsent(). What was accepted before is not taken back.
  //   Borrows    this channel.
  [[nodiscard]] Send send(T value);

  // Waits for a value.
  //   Returns    it; nothing once the channel is closed and all it had accepted was received.
  //   Canceled   throws, having taken nothing; one that was handed a value first returns it.
  //   Borrows    this channel.
  [[nodiscard]] Receive receive();

  // Puts `value` in if there is room or a receiver waits.
  //   Returns    whether it did; otherwise (full or closed) `value` is untouched.
  [[nodiscard]] bool try_send(T& value);
  [[nodiscard]] bool try_send(T&& value) { return try_send(value); }

  // Takes a value if there is one.
  //   Returns    it, or nothing.
  [[nodiscard]] std::optional<T> try_receive();

  // Accepts nothing from now on. What was accepted can still be received; senders that wait are
  // refused, receivers that wait get nothing. Twice is the same as once.
  void close();

  [[nodiscard]] bool closed() const { return closed_; }
  // How many values it holds.
  [[nodiscard]] std::size_t size() const { return values_.size(); }
  [[nodiscard]] std::size_t capacity() const { return capacity_; }

 private:
  // Takes the next value out, from the buffer or from a waiting sender.
  bool take_into(std::optional<T>& result);

  std::size_t capacity_;
  bool closed_ = false;
  RingBuffer<T> values_;
  WaitList<Send> senders_;       // empty unless the buffer is full
  WaitList<Receive> receivers_;  // empty unless the buffer and senders_ are
};

template <class T>
class [[nodiscard]] Channel<T>::Send final : public Waiter {
 public:
  Send(Channel& channel, T&& value) : channel_(&channel), value_(std::move(value)) {}

  bool try_complete() {
    accepted_ = channel_->try_send(value_);
    return accepted_ || channel_->closed_;
  }
  void start() { channel_->senders_.push_back(*this); }
  [[nodiscard]] bool take() const { return accepted_; }
  [[nodiscard]] const char* waits_for() const override { return "room in a channel"; }

  // The value, after the operation returned false or threw Canceled.
  [[nodiscard]] T& unsent() { return value_; }

 private:
  friend class Channel;

  Channel* channel_;
  T value_;
  bool accepted_ = false;
};

template <class T>
class [[nodiscard]] Channel<T>::Receive final : public Waiter {
 public:
  explicit Receive(Channel& channel) : channel_(&channel) {}

  bool try_complete() { return channel_->take_into(result_) || channel_->closed_; }
  void start() { channel_->receivers_.push_back(*this); }
  [[nodiscard]] std::optional<T> take() { return std::move(result_); }
  [[nodiscard]] const char* waits_for() const override { return "a value from a channel"; }

 private:
  friend class Channel;

  Channel* channel_;
  std::optional<T> result_;
};

template <class T>
typename Channel<T>::Send Channel<T>::send(T value) {
  return Send(*this, std::move(value));
}

template <class T>
typename Channel<T>::Receive Channel<T>::receive() {
  return Receive(*this);
}

template <class T>
bool Channel<T>::try_send(T& value) {
  if (closed_) return false;
  if (Receive* receiver = receivers_.pop_front()) {
    receiver->result_.emplace(std::move(value));
    receiver->complete();
    return true;
  }
  if (values_.size() >= capacity_) return false;
  values_.push_back(std::move(value));
  return true;
}

template <class T>
std::optional<T> Channel<T>::try_receive() {
  std::optional<T> result;
  take_into(result);
  return result;
}

template <class T>
bool Channel<T>::take_into(std::optional<T>& result) {
  if (!values_.empty()) {
    result.emplace(std::move(values_.front()));
    values_.pop_front();
  }
  Send* sender = senders_.pop_front();
  if (sender == nullptr) return result.has_value();
  if (result.has_value()) {
    values_.push_back(std::move(sender->value_));
  } else {
    result.emplace(std::move(sender->value_));
  }
  sender->accepted_ = true;
  sender->complete();
  return true;
}

template <class T>
void Channel<T>::close() {
  closed_ = true;
  while (Send* sender = senders_.pop_front()) sender->complete();
  while (Receive* receiver = receivers_.pop_front()) receiver->complete();
}

}  // namespace coracle
