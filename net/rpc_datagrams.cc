#include "net/rpc_datagrams.h"

#include <algorithm>
#include <bit>
#include <optional>
#include <utility>

#include "runtime/log.h"
#include "runtime/sleep.h"

namespace coracle::net {

// Who has sent one call, until that has been answered. Used again afterwards.
class RpcDatagrams::Sender final : public RpcPeer {
 public:
  explicit Sender(RpcDatagrams& all) : RpcPeer(all.message_bytes_max_), all_(all) {}
  ~Sender() override { end(); }

  void begin(const RpcMessage& call, const Address& from, std::uint64_t number) {
    id_ = call.id;
    awaits_answer_ = call.kind == MessageKind::request;
    address_ = from;
    name_.clear();
    set_number(number);
  }

  [[nodiscard]] const std::string& name() const override {
    if (name_.empty()) name_ = address_.to_string();
    return name_;
  }
  [[nodiscard]] Task<> write(const PooledBuffer& message) override {
    return all_.send(message.bytes(), *this);
  }
  void call_ended() override {
    end();
    all_.give_back(*this);
  }

  [[nodiscard]] std::uint64_t count_complaint() override { return all_.complaints_.count(); }

  [[nodiscard]] const Address& address() const { return address_; }
  [[nodiscard]] std::uint32_t id() const { return id_; }
  [[nodiscard]] bool sent(const RpcMessage& call, const Address& from) const {
    return awaits_answer_ && id_ == call.id && address_ == from;
  }

  Sender* next = nullptr;  // in its chain

 private:
  RpcDatagrams& all_;
  std::uint32_t id_ = 0;
  bool awaits_answer_ = false;
  Address address_;
  mutable std::string name_;  // made when somebody asks
};

RpcDatagrams::RpcDatagrams(RpcServer& server, UdpSocket socket, const RpcServerOptions& options,
                           std::uint64_t& connections)
    : server_(server),
      socket_(std::move(socket)),
      message_bytes_max_(std::min(options.limits.message_bytes_max, kDatagramBytesMax)),
      decoder_(options.limits),
      permits_(options.calls_max),
      connections_(connections),
      busy_(std::bit_ceil(options.calls_max)) {}

RpcDatagrams::~RpcDatagrams() = default;

// What comes while too many calls are in progress waits in the kernel's buffer, and is lost when
// that is full.
Task<> RpcDatagrams::read_calls(TaskGroup& group) {
  RpcMessage message;
  for (;;) {
    Semaphore::Permit permit = co_await permits_.acquire();
    const Address from = co_await receive(message);
    co_await start(group, message, from, std::move(permit));
  }
}

// Returns who has sent it. Whatever is no call is dropped.
Task<Address> RpcDatagrams::receive(RpcMessage& message) {
  for (;;) {
    const std::span<std::byte> space(buffer_.get(), kDatagramBytesMax);
    ReceivedDatagram received;
    std::string failure;
    try {
      received = co_await socket_.receive(space);
    } catch (const Error& error) {
      failure = error.what();
    }
    if (!failure.empty()) {
      drop("nobody", failure);
      co_await sleep_for(std::chrono::milliseconds(1));  // else one that stays would spin
    } else if (!decoder_.read(space.first(received.bytes), message)) {
      drop(received.from.to_string(), decoder_.malformed());
    } else if (message.kind == MessageKind::response) {
      drop(received.from.to_string(), "an answer that nobody has asked for");
    } else if (message.kind == MessageKind::notification || !in_progress(message, received.from)) {
      co_return received.from;
    }
  }
}

Task<> RpcDatagrams::start(TaskGroup& group, const RpcMessage& message, const Address& from,
                           Semaphore::Permit permit) {
  RpcReply reply(take_sender(message, from), message, std::move(permit));
  std::optional<PooledBuffer> refusal = server_.start(group, reply, message);
  if (refusal) co_await reply.send(*std::move(refusal));
}

// An answer that cannot be sent is a lost one, which those who ask must be ready for.
Task<> RpcDatagrams::send(std::span<const std::byte> message, const Sender& to) {
  try {
    if (socket_.peer_address()) {
      co_await socket_.send(message);
    } else {
      co_await socket_.send(message, to.address());
    }
  } catch (const Error& error) {
    drop(to.name(), error.what());
  }
}

bool RpcDatagrams::in_progress(const RpcMessage& message, const Address& from) const {
  const Sender* sender = busy_[message.id % busy_.size()];
  while (sender != nullptr && !sender->sent(message, from)) sender = sender->next;
  return sender != nullptr;
}

RpcDatagrams::Sender& RpcDatagrams::take_sender(const RpcMessage& message, const Address& from) {
  if (idle_.empty()) {
    senders_.push_back(std::make_unique<Sender>(*this));
    idle_.reserve(senders_.capacity());  // so that giving back never allocates
    idle_.push_back(senders_.back().get());
  }
  Sender& sender = *idle_.back();
  idle_.pop_back();
  sender.begin(message, from, ++connections_);
  Sender*& first = busy_[message.id % busy_.size()];
  sender.next = std::exchange(first, &sender);
  return sender;
}

void RpcDatagrams::give_back(Sender& sender) {
  Sender** place = &busy_[sender.id() % busy_.size()];
  while (*place != &sender) place = &(*place)->next;
  *place = sender.next;
  idle_.push_back(&sender);
}

void RpcDatagrams::drop(const std::string& from, const std::string& why) {
  const std::uint64_t count = complaints_.count();
  if (count == 0) return;
  log_warn("rpc_dropped_datagram peer={} reason=\"{}\" count={}", from, why, count);
}

}  // namespace coracle::net
