#include "raft/rpc_transport.h"

#include <algorithm>
#include <chrono>
#include <concepts>
#include <utility>

#include "net/serve.h"
#include "raft/wire.h"
#include "runtime/combinators.h"
#include "runtime/error.h"
#include "runtime/event.h"
#include "runtime/log.h"
#include "runtime/random.h"
#include "runtime/task_group.h"
#include "runtime/timeout.h"

namespace coracle::raft {

template <class T>
concept WireMessage = requires(const T& message) {
  { message.header.cluster } -> std::convertible_to<ClusterId>;
};

}  // namespace coracle::raft

namespace coracle::net {

// One MessagePack value that raft/ packs and reads by its own rules.
template <raft::WireMessage Message>
struct Codec<Message> {
  static void pack(Packer& out, const Message& message) { out.packed(raft::encode(message)); }
  static bool unpack(Unpacker& in, Message& message) {
    std::span<const std::byte> bytes;
    if (!in.packed(bytes)) return false;
    raft::Decoded<Message> decoded = raft::decode<Message>(bytes);
    if (!decoded.message) return in.fail(decoded.error);
    message = std::move(*decoded.message);
    return true;
  }
};

}  // namespace coracle::net

namespace coracle::raft {
namespace {

using namespace std::chrono_literals;

constexpr Duration kShortestPause = 5ms;  // between two attempts to connect
constexpr Duration kLongestPause = 1s;
constexpr Duration kDialTimeout = 1s;   // for a connection and its introduction
constexpr Duration kCallTimeout = 24h;  // callers have deadlines of their own
constexpr Duration kSilenceMax = 2s;    // unanswered for so long, a connection is given up

constexpr std::string_view kNotIntroduced = "not_introduced";  // no hello on this connection, or a
                                                               // newer one on another

// Room for a batch, or for one command that is larger; and never less than RPC gives to others.
net::MessageLimits limits_of(const Replication& sizes) {
  constexpr std::size_t kEnvelope = std::size_t{64} << 10;
  net::MessageLimits limits;
  const std::size_t largest = std::max(sizes.batch_bytes, sizes.command_bytes_max) + kEnvelope;
  limits.message_bytes_max = std::max(limits.message_bytes_max, largest);
  return limits;
}

}  // namespace

// The connection to one peer.
struct RpcTransport::Link {
  Link(ServerId peer, const net::Address& at) : id(peer), address(at) {}

  // Tells of trouble once, until it is another or over.
  void report(std::string trouble) {
    if (trouble == reported) return;
    reported = std::move(trouble);
    log_info("peer={} address={} event=unreachable reason=\"{}\"", id, address.to_string(),
             reported);
  }

  const ServerId id;
  const net::Address address;
  std::shared_ptr<net::RpcClient> client;  // set while connected and met
  Condition connected;
  Condition redial;        // the peer has made itself heard: no need to wait
  coracle::Event useless;  // nothing came back for too long, or the peer knows a newer connection
  std::optional<TimePoint> unanswered_since;
  std::string reported;
};

RpcTransport::RpcTransport(net::TcpListener listener, const std::map<ServerId, net::Address>& peers,
                           const Replication& sizes)
    : listener_(std::move(listener)),
      limits_(limits_of(sizes)),
      server_(net::RpcServerOptions{.limits = limits_}) {
  for (const auto& [id, address] : peers) links_[id] = std::make_unique<Link>(id, address);
  server_.handle("hello", HelloMethod{this});
  serve_method<PreVoteReply, PreVote>("pre_vote");
  serve_method<RequestVoteReply, RequestVote>("request_vote");
  serve_method<AppendEntriesReply, AppendEntries>("append_entries");
  serve_method<TimeoutNowReply, TimeoutNow>("timeout_now");
  serve_method<ReadIndexReply, ReadIndex>("read_index");
}

RpcTransport::~RpcTransport() = default;

Task<> RpcTransport::run(Service& service) {
  service_ = &service;
  co_await task_group([this](TaskGroup& group) -> Task<> {
    for (const auto& [id, link] : links_) {
      group.spawn("peer-" + std::to_string(id), &RpcTransport::keep_connected, this,
                  std::ref(*link));
    }
    co_await net::serve(listener_,
                        [this](net::TcpStream peer) { return server_.serve(std::move(peer)); });
  });
}

// ---- Our requests ----

// The pause grows while attempts fail, and is drawn, so that peers do not dial in step.
Task<> RpcTransport::keep_connected(Link& link) {
  Duration pause = kShortestPause;
  for (;;) {
    bool was_connected = false;
    try {
      co_await connect_once(link);
    } catch (const Error& error) {
      was_connected = link.client != nullptr;
      link.client.reset();
      link.report(error.what());
    } catch (...) {
      link.client.reset();  // canceled: the connection ends with the transport
      throw;
    }
    if (was_connected) pause = kShortestPause;
    const Duration drawn = random().between(pause / 2, pause);
    const bool heard = co_await link.redial.wait_until(deadline_after(now(), drawn));
    pause = heard ? kShortestPause : std::min(pause * 2, kLongestPause);
  }
}

// Connects, introduces this server, and returns never: the end of a connection is an Error.
Task<> RpcTransport::connect_once(Link& link) {
  const TimePoint deadline = deadline_after(now(), kDialTimeout);
  net::RpcClientOptions options;
  options.limits = limits_;
  options.call_timeout = kCallTimeout;
  net::RpcClient dialed =
      co_await with_deadline(deadline, net::RpcClient::connect(link.address, options));
  const auto client = std::make_shared<net::RpcClient>(std::move(dialed));
  const Hello hello = service_->introduce(link.id);
  const HelloReply reply =
      co_await with_deadline(deadline, client->call<HelloReply>("hello", hello));
  if (!service_->met(hello, reply)) {
    throw Error(EPROTO, "meet", link.address.to_string() + " (another server answers there)");
  }

  link.client = client;
  link.useless.reset();
  link.unanswered_since.reset();
  link.reported.clear();
  link.connected.notify_all();
  log_info("peer={} address={} event=connected", link.id, link.address.to_string());
  const auto ended = co_await race(client->closed(), link.useless.wait());
  const std::string why =
      ended.index == 0 ? *std::get<0>(ended.results) : "it does not answer any more";
  throw Error(ECONNRESET, "connection to", link.address.to_string() + " (" + why + ")");
}

Task<bool> RpcTransport::connected(ServerId peer, TimePoint deadline) {
  const auto found = links_.find(peer);
  if (found == links_.end()) co_return false;
  Link& link = *found->second;
  while (link.client == nullptr) {
    const bool changed = co_await link.connected.wait_until(deadline);
    if (!changed) co_return false;
  }
  co_return true;
}

// A call shares its connection: that ends for all when the link gives it up, and goes with the
// last of them.
template <class ReplyMessage, class Request>
Task<std::optional<ReplyMessage>> RpcTransport::exchange(std::string_view method,
                                                         const Request& request,
                                                         TimePoint deadline) {
  const auto found = links_.find(request.header.to);
  if (found == links_.end() || found->second->client == nullptr) co_return std::nullopt;
  Link& link = *found->second;
  const std::shared_ptr<net::RpcClient> client = link.client;
  const bool first_unanswered = !link.unanswered_since;
  if (first_unanswered) link.unanswered_since = now();
  std::optional<ReplyMessage> reply;
  try {
    reply = co_await within(deadline - now(), client->call<ReplyMessage>(method, request));
  } catch (const net::RpcError& refusal) {  // an answer, too
    link.report(refusal.what());
    link.unanswered_since.reset();
    if (refusal.fault().code == kNotIntroduced && client == link.client) link.useless.set();
    co_return std::nullopt;
  } catch (const TimedOut&) {
    reply.reset();  // the connection's own limit: no reply, like the deadline
  } catch (const Error&) {
    co_return std::nullopt;  // keep_connected() sees the end of the connection, and tells why
  } catch (...) {
    if (first_unanswered) link.unanswered_since.reset();  // canceled: nobody waits any more
    throw;
  }
  if (client != link.client) co_return reply;
  if (reply) {
    link.unanswered_since.reset();
  } else if (link.unanswered_since && now() - *link.unanswered_since > kSilenceMax) {
    link.useless.set();
  }
  co_return reply;
}

Task<std::optional<PreVoteReply>> RpcTransport::call(const PreVote& request, TimePoint deadline) {
  return exchange<PreVoteReply>("pre_vote", request, deadline);
}
Task<std::optional<RequestVoteReply>> RpcTransport::call(const RequestVote& request,
                                                         TimePoint deadline) {
  return exchange<RequestVoteReply>("request_vote", request, deadline);
}
Task<std::optional<AppendEntriesReply>> RpcTransport::call(const AppendEntries& request,
                                                           TimePoint deadline) {
  return exchange<AppendEntriesReply>("append_entries", request, deadline);
}

Task<std::optional<ReadIndexReply>> RpcTransport::call(const ReadIndex& request,
                                                       TimePoint deadline) {
  return exchange<ReadIndexReply>("read_index", request, deadline);
}

// ---- Requests of peers ----

HelloReply RpcTransport::HelloMethod::operator()(net::RpcPeer& connection, Hello request) const {
  return transport->meet(connection, request);
}

// A peer's connections are told apart by their numbers: a newer introduction ends the older one,
// so that what an earlier connection still delivers is not taken for news. (N3)
HelloReply RpcTransport::meet(net::RpcPeer& connection, const Hello& request) {
  const std::optional<HelloReply> reply = service_->meet(request);
  if (!reply) throw net::RpcError("ignored", service_->why_ignored(request.header));
  introduce(connection, request.header.from);
  check_newest(connection, request.header);
  const auto found = links_.find(request.header.from);
  if (found != links_.end()) found->second->redial.notify_all();
  return *reply;
}

// A connection is one server's. What is kept of strangers goes with their connections, so that
// nobody makes it grow.
void RpcTransport::introduce(net::RpcPeer& connection, ServerId peer) {
  const auto [speaker, is_first] = introduced_.try_emplace(connection.number(), peer);
  if (speaker->second != peer) {
    throw net::RpcError("ignored",
                        "this connection is that of server " + std::to_string(speaker->second));
  }
  if (is_first) connection.at_end([this, number = connection.number()] { forget(number); });
  std::uint64_t& newest = newest_[peer];
  newest = std::max(newest, connection.number());
}

void RpcTransport::forget(std::uint64_t connection) {
  const ServerId peer = introduced_.extract(connection).mapped();
  if (!links_.contains(peer) && newest_[peer] == connection) newest_.erase(peer);
}

void RpcTransport::check_newest(const net::RpcPeer& connection, const RequestHeader& header) const {
  const auto newest = newest_.find(header.from);
  if (newest != newest_.end() && newest->second == connection.number()) return;
  throw net::RpcError(std::string(kNotIntroduced), "say hello first, on the newest connection");
}

template <class ReplyMessage, class Request>
void RpcTransport::serve_method(std::string name) {
  server_.handle(std::move(name),
                 [this](net::RpcPeer& connection, Request request) -> Task<ReplyMessage> {
                   check_newest(connection, request.header);
                   std::optional<ReplyMessage> reply = co_await service_->answer(request);
                   if (!reply) {
                     throw net::RpcError("ignored", service_->why_ignored(request.header));
                   }
                   co_return std::move(*reply);
                 });
}

}  // namespace coracle::raft
