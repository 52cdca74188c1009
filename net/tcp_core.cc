#include "net/tcp_core.h"

#include <cerrno>
#include <utility>

#include "net/back_end.h"
#include "net/tcp.h"
#include "runtime/check.h"
#include "runtime/error.h"

namespace coracle::net {

// --- connecting --------------------------------------------------------------------------------

void ConnectOperation::start() { attempt_ = BackEnd::current().connect(address_, *this); }

TcpStream ConnectOperation::take() {
  if (core_ == nullptr) throw Error(error_, "connect", address_.to_string());
  return TcpStream(*std::exchange(core_, nullptr));
}

void ConnectOperation::done(TcpCore* core, int error) {
  attempt_ = nullptr;
  core_ = core;
  error_ = error;
  complete();
}

void ConnectOperation::on_cancel() {
  std::exchange(attempt_, nullptr)->abandon();
  finish_canceled();
}

void ConnectOperation::on_tear_down() {
  if (attempt_ != nullptr) std::exchange(attempt_, nullptr)->abandon();
  if (core_ != nullptr) std::exchange(core_, nullptr)->release();
}

// --- accepting ---------------------------------------------------------------------------------

bool AcceptOperation::try_complete() {
  return listener_->first_ == nullptr && listener_->accept_into(*this);
}

void AcceptOperation::start() { listener_->add(*this); }

TcpStream AcceptOperation::take() {
  if (core_ == nullptr) {
    throw Error(error_, "accept", listener_->local_address().to_string());
  }
  return TcpStream(*std::exchange(core_, nullptr));
}

void AcceptOperation::on_cancel() {
  listener_->remove(*this);
  finish_canceled();
}

void AcceptOperation::on_tear_down() {
  if (waiting()) listener_->remove(*this);
  if (core_ != nullptr) std::exchange(core_, nullptr)->release();
}

ListenerCore::~ListenerCore() {
  CORACLE_CHECK(first_ == nullptr, "a listener is destroyed while an accept is in progress");
}

// Returns whether the waiter has its result: a connection, or an error that is not EAGAIN.
bool ListenerCore::accept_into(AcceptOperation& waiter) {
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
    AcceptOperation& waiter = *first_;
    if (!accept_into(waiter)) return;
    remove(waiter);
    waiter.complete();
  }
}

void ListenerCore::add(AcceptOperation& waiter) {
  if (!std::exchange(watching_, true)) watch(true);
  (first_ == nullptr ? first_ : last_->next_) = &waiter;
  last_ = &waiter;
}

void ListenerCore::remove(AcceptOperation& waiter) {
  AcceptOperation* previous = nullptr;
  AcceptOperation* at = first_;
  while (at != &waiter) previous = std::exchange(at, at->next_);
  (previous == nullptr ? first_ : previous->next_) = waiter.next_;
  if (last_ == &waiter) last_ = previous;
  waiter.next_ = nullptr;
}

}  // namespace coracle::net
