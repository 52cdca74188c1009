#include "net/rpc_client_core.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "runtime/check.h"
#include "runtime/log.h"
#include "runtime/random.h"
#include "runtime/timeout.h"

namespace coracle::net {
namespace {

constexpr Duration kRepeatAtLatest = std::chrono::seconds(10);
constexpr Duration kNeverRepeated = std::chrono::years(1);  // so that twice as long is a duration

}  // namespace

// A call's place in the table of those in flight, for as long as it waits.
class RpcClientCore::InFlight {
 public:
  InFlight(RpcClientCore& core, RpcCall& call) : core_(core), call_(call) { core_.enlist(call); }
  InFlight(const InFlight&) = delete;
  InFlight& operator=(const InFlight&) = delete;
  ~InFlight() {
    RpcCall*& slot = core_.slot(call_.id);
    if (slot == &call_) slot = nullptr;
  }

 private:
  RpcClientCore& core_;
  RpcCall& call_;
};

// One fiber reads for all. When it stops, because it is done or was canceled, another goes on.
class RpcClientCore::ReaderTurn {
 public:
  explicit ReaderTurn(RpcClientCore& core) : core_(core) { core_.reading_ = true; }
  ReaderTurn(const ReaderTurn&) = delete;
  ReaderTurn& operator=(const ReaderTurn&) = delete;
  ~ReaderTurn() {
    core_.reading_ = false;
    core_.pass_turn();
  }

 private:
  RpcClientCore& core_;
};

// A place in the line for the next turn. Who leaves it canceled may have been given the turn just
// before, and passes it on.
class RpcClientCore::Waiting {
 public:
  Waiting(RpcClientCore& core, RpcWaiter& waiter) : core_(core), waiter_(waiter) {
    core_.waiting_.push_back(waiter_);
  }
  Waiting(const Waiting&) = delete;
  Waiting& operator=(const Waiting&) = delete;
  ~Waiting() {
    waiter_.unlink();
    if (!woken_ && !core_.reading_) core_.pass_turn();
  }

  void woken() { woken_ = true; }

 private:
  RpcClientCore& core_;
  RpcWaiter& waiter_;
  bool woken_ = false;
};

// The first id, where messages may be late: an answer that was meant for a client who had the same
// port before must not be taken for one of ours.
RpcClientCore::RpcClientCore(std::unique_ptr<RpcLink> link, const RpcClientOptions& options)
    : options_(options),
      link_(std::move(link)),
      permits_(options.calls_max),
      slots_(options.calls_max),
      next_id_(link_->loses_messages() ? static_cast<std::uint32_t>(random().next()) : 0),
      first_id_(next_id_) {
  CORACLE_CHECK(options.calls_max > 0, "a client that may not call is no client");
  CORACLE_CHECK(options.repeat_after > Duration::zero(), "a call is repeated after some time");
  options_.repeat_after = std::min(options_.repeat_after, kNeverRepeated);
}

RpcClientCore::~RpcClientCore() = default;

Task<> RpcClientCore::exchange(RpcCall& call, PooledBuffer& request) {
  const bool in_time = co_await within(options_.call_timeout, send_and_wait(call, request));
  if (call.has_result()) co_return;
  if (call.answered()) call.throw_failure("call " + describe(request));
  if (!in_time) throw TimedOut("call", describe(request) + call.last_refusal());
  check_open(request);  // throws: it has ended
}

Task<> RpcClientCore::send_and_wait(RpcCall& call, PooledBuffer& request) {
  check_open(request);
  const Semaphore::Permit permit = co_await permits_.acquire();
  check_open(request);
  const InFlight in_flight(*this, call);
  set_request_id(request.bytes(), call.id);
  co_await send_request(call, request);
  if (call.idempotent && link_->loses_messages()) {
    co_await wait_and_repeat(call, request);
  } else {
    co_await wait_for(call);
  }
}

// Where messages may be lost, one that cannot be sent is such a one: there may be a way later.
Task<> RpcClientCore::send_request(RpcCall& call, PooledBuffer& request) {
  std::error_code refusal;
  try {
    co_await link_->send(request.bytes());
  } catch (const Error& error) {
    if (!link_->loses_messages()) throw;
    refusal = error.code();
  }
  if (refusal && !call.done) call.refuse(refusal);
}

// The same message each time: a server that is still at it knows it by its id. The waits double
// (RFC 8085, section 3.1.1), and differ a little, so that many callers do not keep in step.
Task<> RpcClientCore::wait_and_repeat(RpcCall& call, PooledBuffer& request) {
  Duration wait = options_.repeat_after;
  for (;;) {
    const Duration longest = wait + wait / 4;
    const bool is_over = co_await within(random().between(wait, longest), wait_for(call));
    if (is_over) co_return;
    co_await send_request(call, request);
    wait = std::min(2 * wait, std::max(kRepeatAtLatest, options_.repeat_after));
  }
}

Task<> RpcClientCore::send(PooledBuffer notification) {
  check_open(notification);
  co_await link_->send(notification.bytes());
}

Task<std::string> RpcClientCore::closed() {
  RpcWaiter waiter;
  waiter.done = !is_open();
  co_await wait_for(waiter);
  co_return end_->why;
}

// A connection that ends leaves nothing to wait for, also to the one who reads.
Task<> RpcClientCore::wait_for(RpcWaiter& waiter) {
  while (!waiter.done && is_open()) {
    if (reading_) {
      Waiting waiting(*this, waiter);
      co_await waiter.woken.wait();
      waiting.woken();
    } else {
      const ReaderTurn turn(*this);
      co_await read_until_done(waiter);
    }
  }
}

// The one that has waited longest is the next to read.
void RpcClientCore::pass_turn() {
  if (RpcWaiter* next = waiting_.pop_front()) next->woken.notify_one();
}

Task<> RpcClientCore::read_until_done(RpcWaiter& waiter) {
  RpcMessage message;
  while (!waiter.done && is_open()) {
    Received received = Received::end;
    try {
      received = co_await link_->next(message);
    } catch (const Error& error) {
      end(error.code(), error.what());
      break;
    }
    switch (received) {
      case Received::message: dispatch(message); break;
      case Received::end:
        end(std::make_error_code(std::errc::connection_reset), "the server closed the connection");
        break;
      case Received::malformed:
        log_warn("rpc_closed peer={} reason=\"{}\"", peer_name(), link_->malformed());
        end(std::make_error_code(std::errc::protocol_error), link_->malformed());
        break;
      case Received::refused: refuse_calls(link_->refusal()); break;
    }
  }
  waiter.done = true;
}

void RpcClientCore::dispatch(const RpcMessage& message) {
  RpcCall* call = message.kind == MessageKind::response ? slot(message.id) : nullptr;
  if (call == nullptr || call->id != message.id) return stray(message);
  slot(message.id) = nullptr;
  call->answer(message);
  call->unlink();
  call->woken.notify_one();
}

// Nobody knows which of the calls it was. One that may be repeated goes on: who cannot be reached
// now may be back by then.
void RpcClientCore::refuse_calls(std::error_code code) {
  for (RpcCall*& place : slots_) {
    if (place == nullptr) continue;
    place->refuse(code);
    if (!place->done) continue;
    RpcCall& call = *std::exchange(place, nullptr);
    call.unlink();
    call.woken.notify_one();
  }
}

// Ids go up by one, but for those whose place is taken by a call that has lasted that long.
void RpcClientCore::enlist(RpcCall& call) {
  while (slot(next_id_) != nullptr) ++next_id_;
  call.id = next_id_++;
  slot(call.id) = &call;
}

// The answer to a call that was given up is expected; nothing else is.
void RpcClientCore::stray(const RpcMessage& message) {
  if (message.kind == MessageKind::response && message.id - first_id_ < next_id_ - first_id_) {
    log_debug("rpc_late_reply peer={} id={}", peer_name(), message.id);
  } else if (const std::uint64_t count = strays_.count()) {
    log_warn("rpc_ignored_message peer={} kind={} id={} count={}", peer_name(),
             static_cast<int>(message.kind), message.id, count);
  }
}

void RpcClientCore::end(std::error_code code, std::string why) {
  end_ = End{code, std::move(why)};
  for (RpcCall*& call : slots_) {
    if (call == nullptr) continue;
    call->done = true;
    call = nullptr;
  }
  while (RpcWaiter* waiter = waiting_.pop_front()) {
    waiter->done = true;
    waiter->woken.notify_one();
  }
}

void RpcClientCore::check_open(const PooledBuffer& message) const {
  if (end_) throw Error(end_->code, "call", describe(message) + " (" + end_->why + ")");
  if (message.bytes().size() > link_->message_bytes_max()) {
    throw Error(std::make_error_code(std::errc::message_size), "call", describe(message));
  }
}

std::string RpcClientCore::describe(const PooledBuffer& message) const {
  Unpacker in(std::span<const std::byte>(message.bytes()));
  RpcMessage parts;
  if (!unpack_message(in, parts)) return peer_name();
  return "`" + std::string(parts.method) + "` of " + peer_name();
}

}  // namespace coracle::net
