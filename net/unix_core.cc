#include "net/unix_core.h"

#include <algorithm>
#include <cerrno>

#include "net/back_end.h"
#include "net/unix.h"
#include "runtime/back_end.h"
#include "runtime/error.h"
#include "runtime/loop.h"

namespace coracle::net {

std::string name_of_accepted(const std::string& path, int pid) {
  return path + " pid=" + std::to_string(pid);
}

// Returns whether there is a result.
bool UnixConnectOperation::try_complete() {
  error_ = unix_path_error(path_);
  if (error_ == 0) core_ = BackEnd::current().connect_unix(path_, error_);
  return core_ != nullptr || error_ != EAGAIN;
}

// No event tells when a listener's queue has room: looks after 1 ms, 2 ms, ... at most 20 ms.
void UnixConnectOperation::start() {
  constexpr Duration kFirstPause = std::chrono::milliseconds(1);
  constexpr Duration kLongestPause = std::chrono::milliseconds(20);
  pause_ = pause_ == Duration::zero() ? kFirstPause : std::min(pause_ * 2, kLongestPause);
  Loop& loop = Loop::current();
  loop.timers().arm(*this, deadline_after(loop.back_end().now(), pause_));
}

void UnixConnectOperation::expired() { try_complete() ? complete() : start(); }

UnixStream UnixConnectOperation::take() {
  if (core_ == nullptr) throw Error(error_, "connect", path_);
  return UnixStream(*std::exchange(core_, nullptr));
}

void UnixConnectOperation::on_cancel() {
  Loop::current().timers().disarm(*this);
  finish_canceled();
}

void UnixConnectOperation::on_tear_down() {
  Loop::current().timers().disarm(*this);
  if (core_ != nullptr) std::exchange(core_, nullptr)->release();
}

}  // namespace coracle::net
