// What carries the messages of an RpcClient: a stream, or datagrams. Mechanism.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <system_error>

#include "net/message_limits.h"
#include "net/rpc_message.h"
#include "net/stream.h"
#include "net/udp.h"
#include "runtime/task.h"

namespace coracle::net {

enum class Received : std::uint8_t {
  message,
  end,        // the peer has finished, after a whole message
  malformed,  // what came is no MessagePack-RPC, or ended inside a message: malformed() says why
  refused,    // something sent did not reach the peer, for the reason in refusal(); others may
};

class RpcLink {
 public:
  RpcLink() = default;
  RpcLink(const RpcLink&) = delete;
  RpcLink& operator=(const RpcLink&) = delete;
  virtual ~RpcLink() = default;

  // Sends a message, whole, or leaves it to another fiber that is about to send (message_writer.h).
  //   Throws     Error when it cannot be sent; one that was left to another is then lost.
  //   Canceled   may throw; the message was accepted whole, or not at all.
  //   Borrows    `message` until it returns.
  [[nodiscard]] virtual Task<> send(std::span<const std::byte> message) = 0;

  // Waits for the next message.
  //   Returns    message, and `message` is valid until the next call; or why there is none.
  //   Throws     Error when the connection broke.
  //   Canceled   loses nothing: the next call goes on where it was.
  //   Borrows    `message` until it returns.
  [[nodiscard]] virtual Task<Received> next(RpcMessage& message) = 0;

  [[nodiscard]] virtual const std::string& malformed() const = 0;
  [[nodiscard]] virtual std::error_code refusal() const = 0;
  [[nodiscard]] virtual const std::string& peer_name() const = 0;
  // Returns    the most bytes that a message may have here.
  [[nodiscard]] virtual std::size_t message_bytes_max() const = 0;
  // Returns    whether a message can get lost, or come twice, while the link stays.
  [[nodiscard]] virtual bool loses_messages() const = 0;
};

[[nodiscard]] std::unique_ptr<RpcLink> link_over(Stream stream, const MessageLimits& limits);
//   Requires   a connected socket.
[[nodiscard]] std::unique_ptr<RpcLink> link_over(UdpSocket socket, const MessageLimits& limits);

}  // namespace coracle::net
