// Answering calls of MessagePack-RPC.
//
//   net::RpcServer server;
//   server.handle("sum", [](int a, int b) -> Task<int> { co_return a + b; });
//   co_await net::serve(listener, [&server](net::TcpStream peer) {
//     return server.serve(std::move(peer));
//   });
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "net/message_limits.h"
#include "net/rpc_fault.h"
#include "net/rpc_method.h"
#include "net/rpc_peer.h"
#include "net/stream.h"
#include "net/udp.h"
#include "runtime/task.h"

namespace coracle::net {

struct RpcServerOptions {
  // How many calls of one connection may be in progress; what comes then stays unread, and a client
  // that goes on sending is held up by its own socket.
  std::size_t calls_max = 64;
  // What a message may cost, in both directions.
  MessageLimits limits{};
};

// The methods of a service. Holds no connection: serve() runs one, and any number at the same time.
// Belongs to one loop.
class RpcServer {
 public:
  explicit RpcServer(const RpcServerOptions& options = {}) : options_(options) {}
  RpcServer(const RpcServer&) = delete;
  RpcServer& operator=(const RpcServer&) = delete;

  // Registers `handler(params...)` as the method `name`: a function, or an object with one
  // operator(); a coroutine (Task<R>) or a plain function (R); R and the parameters are types with
  // a Codec (codec.h). Optional parameters at the end may be missing in a call. Each call runs in
  // a task of its own, named after the method; when its connection breaks, it is canceled. Calls of
  // one connection run concurrently, and their answers come in the order in which they end. A
  // handler whose first parameter is an RpcPeer& learns who calls.
  //
  // Errors that clients see, as [code, text]:
  //   unknown_method  no such method is registered
  //   bad_params      "parameter 2 of `vote`: expected integer, got string"
  //   any other       what an RpcError says that the handler threw
  //   failed          the what() of any other std::exception that it threw; logged too, unless it
  //                   is an Error
  //   too_large       the result exceeds `limits`
  // The same for a notification is logged, since nobody listens.
  //   Requires   a name that is not taken.
  template <class Handler>
  void handle(std::string name, Handler handler) {
    add(std::move(name), std::make_unique<RpcMethodOf<Handler>>(std::move(handler)));
  }

  // Serves one connection until the client has finished and its calls are answered. A message that
  // is no MessagePack-RPC, or exceeds the limits, ends the connection at once: its calls are
  // canceled and the reason is logged. Answers to questions never asked are ignored.
  //   Returns    when the connection has ended in one of these ways.
  //   Throws     Error when the connection broke.
  //   Canceled   cancels its calls, waits for them, and throws; answers that were written are sent.
  //   Borrows    this server until it has ended.
  [[nodiscard]] Task<> serve(Stream stream);

  // Serves a socket: calls come as datagrams, one message in each, and are answered likewise. Each
  // datagram is a caller of its own: `calls_max` holds for all together, and what comes then waits
  // in the kernel's buffer, or is lost. A call that comes again while it is in progress is carried
  // out once; one that comes again later, once more. So register what may be carried out twice.
  // What is no call is dropped, and logged in ever rarer lines. Anyone can write any sender's
  // address on a datagram: let no answer be much longer than its question (RFC 8085, section 6).
  //   Throws     nothing: it ends when it is canceled.
  //   Canceled   cancels its calls, waits for them, and throws.
  //   Borrows    this server until it has ended.
  [[nodiscard]] Task<> serve_datagrams(UdpSocket socket);

 private:
  friend class RpcConnection;
  friend class RpcDatagrams;

  // Starts the call as a child of `group`.
  //   Returns    what is to be sent to a call that cannot be started, and `reply` is untouched.
  std::optional<PooledBuffer> start(TaskGroup& group, RpcReply& reply, const RpcMessage& message);
  void add(std::string name, std::unique_ptr<RpcMethod> method);

  RpcServerOptions options_;
  std::map<std::string, std::unique_ptr<RpcMethod>, std::less<>> methods_;
  std::uint64_t connections_ = 0;
};

}  // namespace coracle::net
