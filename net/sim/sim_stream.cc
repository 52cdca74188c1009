#include "net/sim/sim_stream.h"

#include <cerrno>
#include <utility>

#include "runtime/check.h"

namespace coracle::net::sim {

SimStream::SimStream(SimNet& net, std::string name, StreamEnd& end)
    : StreamCore(std::move(name)), net_(net), end_(&end) {
  end.attach(*this);
  net_.socket_opened();
}

SimStream::~SimStream() {
  net_.below().withdraw(*this);
  if (end_ != nullptr) end_->close(/*with_reset=*/false);
}

// --- what the kernel and the poll tell ---------------------------------------------------------

bool SimStream::has_work() {
  if (end_ == nullptr) return false;
  return (reading_ && end_->readable()) || (!unflushed_.empty() && end_->writable()) ||
         shutting_down_;
}

void SimStream::ready() {
  if (has_work()) net_.below().post(*this);
}

// As libuv does it: reading first. What is left to do is done in the next poll.
void SimStream::arrived() {
  if (reading_ && end_ != nullptr) read_more();
  if (!unflushed_.empty() && end_ != nullptr) flush_more();
  if (shutting_down_ && end_ != nullptr) {
    shutting_down_ = false;
    shut_down_done(shut_down_error_);
  }
  ready();
}

void SimStream::read_more() {
  const std::span<std::byte> space = provide_buffer();
  if (space.empty()) return;  // the next poll asks again
  const std::ptrdiff_t bytes = end_->read(space);
  if (bytes == -EAGAIN) return;
  if (bytes > 0) {
    received(static_cast<std::size_t>(bytes));
  } else {
    ended(static_cast<int>(-bytes));
  }
}

void SimStream::flush_more() {
  const std::ptrdiff_t taken = end_->write(unflushed_);
  if (taken >= 0) unflushed_ = unflushed_.subspan(static_cast<std::size_t>(taken));
  if (taken >= 0 && !unflushed_.empty()) return;
  unflushed_ = {};
  end_->await_room(false);
  flushed(taken < 0 ? static_cast<int>(-taken) : 0);
}

// --- what the stream asks for ------------------------------------------------------------------

void SimStream::start_reading() {
  reading_ = true;
  ready();
}

std::ptrdiff_t SimStream::try_write(std::span<const std::byte> bytes) { return end_->write(bytes); }

void SimStream::flush(std::span<const std::byte> bytes) {
  unflushed_ = bytes;
  end_->await_room(true);
  ready();
}

void SimStream::shut_down() {
  shut_down_error_ = -end_->shut_down();
  shutting_down_ = true;
  ready();
}

std::ptrdiff_t SimStream::unacknowledged() { return end_->unacknowledged(); }

// A process that dies does not choose how: its kernel closes what it had open.
void SimStream::close(bool with_reset) {
  std::exchange(end_, nullptr)->close(with_reset && !net_.loop().tearing_down());
  net_.bury(*this);
}

}  // namespace coracle::net::sim
