// Calling the methods of a MessagePack-RPC server.
//
//   net::RpcClient client = co_await net::RpcClient::connect(address);
//   const int sum = co_await client.call<int>("sum", 1, 2);
//   co_await client.notify("log", "summed");
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "net/address.h"
#include "net/codec.h"
#include "net/message_limits.h"
#include "net/rpc_call.h"
#include "net/rpc_fault.h"
#include "net/stream.h"
#include "net/udp.h"
#include "runtime/task.h"
#include "runtime/time.h"

namespace coracle::net {

struct RpcClientOptions {
  // How long a call may take, from its await to its result. For a shorter time, or none of these,
  // put with_timeout() or within() around the call.
  Duration call_timeout = std::chrono::seconds(10);
  // How many calls may be in flight; later ones wait for their turn, within their time.
  std::size_t calls_max = 256;
  // Over datagrams: after how long a call that is idempotent is sent again; then after twice as
  // long, and so on, up to 10 s. More than a call takes when nothing is lost.
  Duration repeat_after = std::chrono::milliseconds(200);
  // What a message may cost, in both directions. A datagram holds at most kDatagramBytesMax.
  MessageLimits limits{};
};

// One connection to a server, or a socket for datagrams to it; any number of fibers may call at the
// same time. Belongs to one loop. It needs no fiber of its own: of those that wait, one reads for
// all. So an idle client sees only with the next call, or in closed(), that its connection has
// ended. A client that was closed stays closed: connect a new one. It may be moved while calls are
// in progress; destroying it then fails a check.
class RpcClient {
 public:
  // Takes over a connected stream.
  //   Requires   a current loop.
  explicit RpcClient(Stream stream, const RpcClientOptions& options = {});
  // Takes over a socket: each message is a datagram, and may be lost, doubled, or late.
  //
  //   net::RpcClient client(net::UdpSocket::connect(address));
  //   const int sum = co_await client.call_idempotent<int>("sum", 1, 2);
  //
  // Such a client is open for ever: what comes from the server and is no MessagePack-RPC is dropped
  // (and logged in ever rarer lines), and a server that cannot be reached now may be back with the
  // next call. When the network says so (`call `sum` of 10.0.0.7:7000: Connection refused`), that
  // ends every call in progress which is not idempotent: nobody knows which message it is about, an
  // earlier notification included.
  //   Requires   a current loop; a connected socket.
  explicit RpcClient(UdpSocket socket, const RpcClientOptions& options = {});
  RpcClient(RpcClient&&) noexcept;
  RpcClient& operator=(RpcClient&&) noexcept;
  ~RpcClient();

  // Connects over TCP.
  //   Returns    a client for the new connection.
  //   Throws     Error, as TcpStream::connect() does.
  //   Canceled   gives the attempt up.
  [[nodiscard]] static Task<RpcClient> connect(Address address, RpcClientOptions options = {});

  // Calls a method and waits for its result. The arguments are encoded inside this call, before
  // it is awaited: they need not live longer.
  //   Returns    the result; for `void` whatever comes, unread.
  //   Throws     RpcError when the server answers with an error (its code and text are in it);
  //              TimedOut after `call_timeout`; Error when the connection is closed or ends first
  //              (the call may have been carried out or not), when the result is no Result
  //              ("result of `vote`: expected integer, got string"), or when the request exceeds
  //              `limits`.
  //   Canceled   throws; the server may carry the call out, and its answer is ignored.
  //   Borrows    this client, until it has ended.
  //   Requires   Result and Args with a Codec (codec.h). A temporary aggregate that owns memory
  //              must be named first: `Vote vote{...}; co_await client.call<bool>("vote", vote)`.
  template <class Result = void, class... Args>
  [[nodiscard]] Task<Result> call(std::string_view method, Args&&... args) {
    check_arguments<Args...>();
    return begin_and_run<Result>(false, method, args...);
  }

  // The same for a method that may be carried out twice with the effect of once: one that reads, or
  // sets, and does not add. Over datagrams it is sent again and again (`repeat_after`) until it is
  // answered or `call_timeout` is over; call() sends it once, and a lost message is a timeout. Over
  // a stream, which loses nothing, there is no difference.
  //   Returns, Throws, Canceled, Borrows, Requires   as call(). TimedOut tells what the network has
  //              said meanwhile: "call `sum` of 10.0.0.7:7000 (Connection refused): Connection
  //              timed out".
  template <class Result = void, class... Args>
  [[nodiscard]] Task<Result> call_idempotent(std::string_view method, Args&&... args) {
    check_arguments<Args...>();
    return begin_and_run<Result>(true, method, args...);
  }

  // Tells the server something that it does not answer. Nobody learns whether it arrived.
  //   Returns    when the stream has accepted it, or another fiber is about to send it.
  //   Throws     Error when the connection is known to be closed, or the message exceeds `limits`.
  //              One that another fiber was to send is lost without a word if that fails.
  //   Canceled   may throw; the message was accepted whole, or not at all.
  //   Borrows    this client, until it has ended.
  //   Requires   as call() does.
  template <class... Args>
  [[nodiscard]] Task<> notify(std::string_view method, Args&&... args) {
    check_arguments<Args...>();
    PooledBuffer notification = begin_note(*core_, method, sizeof...(Args));
    Packer out(notification.bytes());
    (pack_value(out, args), ...);
    return send_notification(*core_, std::move(notification));
  }

  // Waits until the connection has ended, and keeps reading meanwhile. Over datagrams that is
  // never.
  //   Returns    why, in words: "the server closed the connection".
  //   Canceled   throws; the connection goes on.
  //   Borrows    this client, until it has ended.
  [[nodiscard]] Task<std::string> closed();

  // Returns    false once the connection is known to have ended.
  [[nodiscard]] bool is_open() const;
  // Returns    whom it calls, for logs: `10.0.0.7:7000`.
  [[nodiscard]] const std::string& peer_name() const;

 private:
  template <class Result, class... Args>
  Task<Result> begin_and_run(bool idempotent, std::string_view method, const Args&... args) {
    PooledBuffer request = begin_call(*core_, method, sizeof...(Args));
    Packer out(request.bytes());
    (pack_value(out, args), ...);
    return run_call<Result>(*core_, std::move(request), idempotent);
  }

  template <class... Args>
  static constexpr void check_arguments() {
    static_assert((kSafeArgument<Args> && ...),
                  "GCC 12 would destroy this temporary aggregate twice inside co_await: name it "
                  "first and pass the name (it is encoded before the call suspends)");
  }

  std::unique_ptr<RpcClientCore> core_;
};

}  // namespace coracle::net
