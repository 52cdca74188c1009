#include "net/sim/local_stream.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "net/sim/fabric.h"
#include "net/sim/kernel.h"
#include "net/sim/local_names.h"

namespace coracle::net::sim {

LocalEnd::~LocalEnd() { connection_.kernel().fabric().agenda().cancel(arrival_); }

LocalEnd& LocalEnd::peer() const {
  return this == &connection_.client() ? connection_.server() : connection_.client();
}

// --- its process -------------------------------------------------------------------------------

int LocalEnd::take_error() { return std::exchange(error_, 0); }

bool LocalEnd::readable() const { return delivered_ > read_ || at_end_; }

// What has arrived comes first; then, once, the error; then the end.
std::ptrdiff_t LocalEnd::read(std::span<std::byte> into) {
  const std::size_t bytes = std::min<std::size_t>(into.size(), delivered_ - read_);
  if (bytes > 0) {
    queue_.take(into.first(bytes));
    read_ += bytes;
    LocalEnd& writer = peer();
    if (writer.socket_ != nullptr && writer.awaits_room_ && writer.writable()) {
      writer.socket_->ready();
    }
    return static_cast<std::ptrdiff_t>(bytes);
  }
  if (!at_end_) return -EAGAIN;
  return -take_error();
}

bool LocalEnd::writable() {
  return finished_ || peer().closed_ || peer().room() >= kQueueBytes / 3;
}

// A reader who went without having read all is the reason, where there is one.
std::ptrdiff_t LocalEnd::write(std::span<const std::byte> bytes) {
  if (peer().closed_) {
    const int cause = take_error();
    return cause != 0 ? -cause : -EPIPE;
  }
  if (finished_) return -EPIPE;
  LocalEnd& reader = peer();
  const std::size_t taken = std::min(bytes.size(), reader.room());
  if (taken > 0) {
    reader.queue_.append(bytes.first(taken));
    reader.expect(taken, /*is_last=*/false);
  }
  return static_cast<std::ptrdiff_t>(taken);
}

int LocalEnd::shut_down() {
  if (!std::exchange(finished_, true)) peer().expect(0, /*is_last=*/true);
  return 0;
}

std::ptrdiff_t LocalEnd::unacknowledged() { return -take_error(); }

void LocalEnd::close(bool /*with_reset*/) {
  socket_ = nullptr;
  end_here(queue_.size() > 0 ? ECONNRESET : 0);
  connection_.settle();
}

void LocalEnd::abandon_in_queue() {
  listener_ = nullptr;
  end_here(ECONNRESET);
  connection_.settle();
}

// The peer's next write fails at once; its reader comes to the end, or the error, after the bytes.
void LocalEnd::end_here(int error_of_peer) {
  closed_ = true;
  connection_.kernel().fabric().agenda().cancel(arrival_);
  LocalEnd& other = peer();
  if (other.closed_) return;
  if (error_of_peer != 0) other.error_ = error_of_peer;
  if (!std::exchange(finished_, true)) other.expect(0, /*is_last=*/true);
  if (other.socket_ != nullptr && other.awaits_room_) other.socket_->ready();
}

// --- its kernel --------------------------------------------------------------------------------

void LocalEnd::begin(LocalListener& listener) {
  listener_ = &listener;
  expect(0, /*is_last=*/false);
}

// In order: one that was faster than those before it waits for them.
void LocalEnd::expect(std::size_t bytes, bool is_last) {
  if (closed_) return;
  Kernel& kernel = connection_.kernel();
  Fabric& fabric = kernel.fabric();
  written_ += bytes;
  const TimePoint now = fabric.agenda().now();
  const TimePoint arrival = fabric.path(kernel, &kernel).carry(fabric.random(), now, bytes);
  parcels_.push_back({written_, arrival, is_last});
  if (parcels_.size() == 1) fabric.agenda().plan(arrival_, arrival);
}

void LocalEnd::arrive() {
  Agenda& agenda = connection_.kernel().fabric().agenda();
  while (!parcels_.empty() && parcels_.front().arrival <= agenda.now()) {
    const Parcel parcel = parcels_.front();
    parcels_.pop_front();
    const std::size_t bytes = parcel.end - delivered_;
    delivered_ = parcel.end;
    if (bytes > 0) trace("delivered", bytes);
    if (parcel.is_last) trace("finished", 0);
    if (parcel.is_last) at_end_ = true;
  }
  if (!parcels_.empty()) agenda.plan(arrival_, parcels_.front().arrival);
  if (listener_ != nullptr && !std::exchange(arrived_in_queue_, true)) listener_->told_of_one();
  if (socket_ != nullptr) socket_->ready();
}

void LocalEnd::trace(std::string_view event, std::size_t bytes) const {
  Kernel& kernel = connection_.kernel();
  kernel.fabric().trace(kernel.host_name(), event,
                        {{"path", connection_.path()},
                         {"from_pid", peer().pid()},
                         {"to_pid", pid()},
                         {"bytes", static_cast<std::int64_t>(bytes)}});
}

void LocalConnection::settle() {
  if (client_.closed() && server_.closed()) kernel_.local().destroy(*this);
}

}  // namespace coracle::net::sim
