#include "net/tcp_core.h"

#include <utility>

#include "net/back_end.h"
#include "net/tcp.h"
#include "runtime/error.h"

namespace coracle::net {

void ConnectOperation::start() { attempt_ = BackEnd::current().connect(address_, *this); }

TcpStream ConnectOperation::take() {
  if (core_ == nullptr) throw Error(error_, "connect", address_.to_string());
  return TcpStream(*std::exchange(core_, nullptr));
}

void ConnectOperation::done(StreamCore* core, int error) {
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

}  // namespace coracle::net
