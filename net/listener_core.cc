#include "net/listener_core.h"

#include <cerrno>
#include <utility>

#include "runtime/check.h"
#include "runtime/error.h"

namespace coracle::net {

bool PendingAccept::try_complete() {
  return listener_->first_ == nullptr && listener_->accept_into(*this);
}

void PendingAccept::start() { listener_->add(*this); }

StreamCore& PendingAccept::take_core() {
  if (core_ == nullptr) throw Error(error_, "accept", listener_->name());
  return *std::exchange(core_, nullptr);
}

void PendingAccept::on_cancel() {
  listener_->remove(*this);
  finish_canceled();
}

void PendingAccept::on_tear_down() {
  if (waiting()) listener_->remove(*this);
  if (core_ != nullptr) std::exchange(core_, nullptr)->release();
}

ListenerCore::~ListenerCore() {
  CORACLE_CHECK(first_ == nullptr, "a listener is destroyed while an accept is in progress");
}

// Returns whether the waiter has its result: a connection, or an error that is not EAGAIN.
bool ListenerCore::accept_into(PendingAccept& waiter) {
  waiter.core_ = try_accept(waiter.error_);
  return waiter.core_ != nullptr || waiter.error_ != EAGAIN;
}

// Watching goes on between two accepts (starting and stopping cost system calls), until a
// connection finds nobody who waits.
void ListenerCore::connection_ready() {
  if (first_ == nullptr) {
    watching_ = false;
    watch(false);
  }
  while (first_ != nullptr) {
    PendingAccept& waiter = *first_;
    if (!accept_into(waiter)) return;
    remove(waiter);
    waiter.complete();
  }
}

void ListenerCore::add(PendingAccept& waiter) {
  if (!std::exchange(watching_, true)) watch(true);
  (first_ == nullptr ? first_ : last_->next_) = &waiter;
  last_ = &waiter;
}

void ListenerCore::remove(PendingAccept& waiter) {
  PendingAccept* previous = nullptr;
  PendingAccept* at = first_;
  while (at != &waiter) previous = std::exchange(at, at->next_);
  (previous == nullptr ? first_ : previous->next_) = waiter.next_;
  if (last_ == &waiter) last_ = previous;
  waiter.next_ = nullptr;
}

}  // namespace coracle::net
