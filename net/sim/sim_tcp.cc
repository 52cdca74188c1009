#include "net/sim/sim_tcp.h"

#include <cerrno>
#include <utility>

#include "runtime/check.h"

namespace coracle::net::sim {

SimTcp::SimTcp(SimNet& net, Endpoint& end)
    : TcpCore(end.peer().address().to_string()),
      net_(net),
      end_(&end),
      local_(end.address()),
      peer_(end.peer().address()) {
  end.attach(*this);
  net_.socket_opened();
}

SimTcp::~SimTcp() {
  net_.below().withdraw(*this);
  if (end_ != nullptr) end_->close(/*with_reset=*/false);
}

// --- what the kernel and the poll tell ---------------------------------------------------------

bool SimTcp::has_work() {
  if (end_ == nullptr) return false;
  return (reading_ && end_->readable()) || (!unflushed_.empty() && end_->writable()) ||
         shutting_down_;
}

void SimTcp::ready() {
  if (has_work()) net_.below().post(*this);
}

// As libuv does it: reading first. What is left to do is done in the next poll.
void SimTcp::arrived() {
  if (reading_ && end_ != nullptr) read_more();
  if (!unflushed_.empty() && end_ != nullptr) flush_more();
  if (shutting_down_ && end_ != nullptr) {
    shutting_down_ = false;
    shut_down_done(shut_down_error_);
  }
  ready();
}

void SimTcp::read_more() {
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

void SimTcp::flush_more() {
  const std::ptrdiff_t taken = end_->write(unflushed_);
  if (taken >= 0) unflushed_ = unflushed_.subspan(static_cast<std::size_t>(taken));
  if (taken >= 0 && !unflushed_.empty()) return;
  unflushed_ = {};
  end_->await_room(false);
  flushed(taken < 0 ? static_cast<int>(-taken) : 0);
}

// --- what the stream asks for ------------------------------------------------------------------

void SimTcp::start_reading() {
  reading_ = true;
  ready();
}

std::ptrdiff_t SimTcp::try_write(std::span<const std::byte> bytes) { return end_->write(bytes); }

void SimTcp::flush(std::span<const std::byte> bytes) {
  unflushed_ = bytes;
  end_->await_room(true);
  ready();
}

void SimTcp::shut_down() {
  shut_down_error_ = -end_->shut_down();
  shutting_down_ = true;
  ready();
}

std::ptrdiff_t SimTcp::unacknowledged() { return end_->unacknowledged(); }

// A process that dies does not choose how: its kernel closes what it had open.
void SimTcp::close(bool with_reset) {
  std::exchange(end_, nullptr)->close(with_reset && !net_.loop().tearing_down());
  net_.bury(*this);
}

}  // namespace coracle::net::sim
