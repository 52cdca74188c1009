#include "net/sim/connection.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "net/sim/fabric.h"
#include "net/sim/kernel.h"

namespace coracle::net::sim {
namespace {

// How long a kernel knows a connection that its process has left and the peer has not (Linux:
// tcp_fin_timeout).
constexpr Duration kFinTimeout = std::chrono::seconds(60);

}  // namespace

std::string_view Endpoint::host_name() const {
  return kernel_ == nullptr ? "nobody" : std::string_view(kernel_->host_name());
}

Endpoint& Endpoint::peer() const {
  return this == &connection_.client() ? connection_.server() : connection_.client();
}

Flow& Endpoint::out() const {
  return this == &connection_.client() ? connection_.request() : connection_.answer();
}

Flow& Endpoint::in() const { return peer().out(); }

// --- its process -------------------------------------------------------------------------------

void Endpoint::connect() {
  phase_ = Phase::connecting;
  out().open();
}

int Endpoint::take_error() { return std::exchange(error_, 0); }

bool Endpoint::readable() const { return in().readable() > 0 || in().at_end() || !alive(); }

// What has arrived comes first, and an end that has arrived stays one, as in Linux.
std::ptrdiff_t Endpoint::read(std::span<std::byte> into) {
  const std::size_t bytes = std::min(into.size(), in().readable());
  if (bytes > 0) {
    in().read(into.first(bytes));
    return static_cast<std::ptrdiff_t>(bytes);
  }
  if (in().at_end()) return 0;
  if (error_ != 0) return -take_error();
  return alive() ? -EAGAIN : 0;
}

bool Endpoint::writable() {
  return phase_ != Phase::open || out().room() >= Flow::kSendBufferBytes / 3;
}

std::ptrdiff_t Endpoint::write(std::span<const std::byte> bytes) {
  if (error_ != 0) return -take_error();
  if (phase_ != Phase::open || out().finished()) return -EPIPE;
  return static_cast<std::ptrdiff_t>(out().write(bytes));
}

int Endpoint::shut_down() {
  if (!alive()) return -ENOTCONN;
  if (!out().finished()) out().finish();
  return 0;
}

std::ptrdiff_t Endpoint::unacknowledged() {
  if (error_ != 0) return -take_error();
  return static_cast<std::ptrdiff_t>(out().unacknowledged());
}

// As Linux does it: with a reset if something has arrived that nobody has read, else in order, and
// then the kernel goes on by itself.
void Endpoint::close(bool with_reset) {
  socket_ = nullptr;
  if (phase_ == Phase::connecting) {
    vanish();
  } else if (alive() && (with_reset || in().readable() > 0)) {
    out().reset();
    vanish();
  } else if (alive()) {
    orphaned_ = true;
    orphaned_at_ = connection_.fabric().agenda().now();
    out().await_room(false);
    if (!out().finished()) out().finish();
  }
  connection_.settle();
}

void Endpoint::abandon_in_queue() {
  listener_ = nullptr;
  if (alive()) {
    out().reset();
    vanish();
  }
  connection_.settle();
}

// --- its kernel --------------------------------------------------------------------------------

bool Endpoint::machine_runs() const { return kernel_ != nullptr && kernel_->powered(); }

Endpoint::Welcome Endpoint::syn_arrived() {
  PortListener* listener = kernel_->listener_at(address_);
  if (listener == nullptr) return Welcome::refused;
  if (!listener->has_room()) return Welcome::no_room;
  phase_ = Phase::answering;
  listener_ = listener;
  listener->begin(*this);
  return Welcome::expected;
}

void Endpoint::syn_acknowledged() {
  if (phase_ == Phase::answering) opened();
}

void Endpoint::octets_arrived() {
  if (phase_ == Phase::connecting) {
    opened();
  } else if (phase_ == Phase::answering) {
    out().open();
  } else if (socket_ != nullptr) {
    socket_->ready();
  }
}

void Endpoint::opened() {
  const bool connects = phase_ == Phase::connecting;
  phase_ = Phase::open;
  out().transmit();
  if (connects) {
    trace_with_peer("connected");
    if (socket_ != nullptr) socket_->ready();
  } else if (listener_ != nullptr) {
    listener_->established(*this);
  }
}

bool Endpoint::refuses(std::size_t bytes) const {
  if (!orphaned_) return false;
  const TimePoint now = connection_.fabric().agenda().now();
  return bytes > 0 || now > deadline_after(orphaned_at_, kFinTimeout);
}

void Endpoint::made_room() {
  if (socket_ != nullptr && writable()) socket_->ready();
}

void Endpoint::reset_arrived() {
  if (!alive()) return;
  if (phase_ == Phase::connecting) {
    trace_with_peer("refused");
    break_off(ECONNREFUSED);
  } else {
    trace_with_peer("reset");
    break_off(in().at_end() ? EPIPE : ECONNRESET);
  }
}

void Endpoint::timed_out() {
  trace_with_peer("timed_out");
  break_off(ETIMEDOUT);
  peer().out().suspect();
}

// A process that has the socket, or may accept it, will see why; nobody else needs to know.
void Endpoint::break_off(int error) {
  if (phase_ == Phase::answering || (socket_ == nullptr && listener_ == nullptr)) {
    vanish();
    return;
  }
  phase_ = Phase::broken;
  error_ = error;
  out().stop();
  if (socket_ != nullptr) socket_->ready();
}

void Endpoint::vanish() {
  phase_ = Phase::gone;
  if (listener_ != nullptr) std::exchange(listener_, nullptr)->forget(*this);
  out().stop();
}

void Endpoint::settle_orphan() {
  if (!orphaned_ || !alive()) return;
  const bool is_done = in().at_end() || !peer().alive();
  if (is_done && out().unacknowledged() == 0) vanish();
}

void Endpoint::trace(std::string_view event,
                     std::initializer_list<coracle::sim::Fact> facts) const {
  connection_.fabric().trace(host_name(), event, facts);
}

void Endpoint::trace_with_peer(std::string_view event) const {
  const Endpoint& client = connection_.client();
  const Endpoint& server = connection_.server();
  trace(event, {{"from", client.host_name()},
                {"from_port", client.port()},
                {"to", server.host_name()},
                {"to_port", server.port()}});
}

void Connection::settle() {
  client_.settle_orphan();
  server_.settle_orphan();
  if (client_.released() && server_.released()) fabric_.destroy(*this);
}

}  // namespace coracle::net::sim
