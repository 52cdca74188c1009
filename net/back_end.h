// The seam below net: what it needs from the world. One per loop, kept as the loop's extension;
// the simulator installs its own before anything runs.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "net/address.h"
#include "net/listener_core.h"
#include "net/tcp_core.h"
#include "net/udp_core.h"
#include "runtime/loop.h"

namespace coracle::net {

struct ListenOptions;
struct UdpOptions;
struct UnixListenOptions;
class Lookup;
class ResolveOperation;

class BackEnd : public LoopExtension {
 public:
  // That of the current loop; makes the real one if there is none yet.
  static BackEnd& current();

  // Begins to connect, for `operation.done()`.
  //   Returns    the attempt; nullptr if done() has been called already, with an error.
  [[nodiscard]] virtual ConnectAttempt* connect(const Address& address,
                                                ConnectOperation& operation) = 0;

  // Binds and listens, and sets the port of `address` to the one it has. Throws Error.
  [[nodiscard]] virtual std::unique_ptr<ListenerCore> listen(Address& address,
                                                             const ListenOptions& options) = 0;

  // Makes a UDP socket that is bound to an address, or connected to a peer. Throws Error.
  [[nodiscard]] virtual std::unique_ptr<UdpCore> bind_udp(const Address& address,
                                                          const UdpOptions& options) = 0;
  [[nodiscard]] virtual std::unique_ptr<UdpCore> connect_udp(const Address& peer,
                                                             const UdpOptions& options) = 0;

  // Connects to a Unix socket of this machine; does not wait.
  //   Returns    a connected UnixSocket; nullptr with an errno value in `error` (EAGAIN: the
  //              listener's queue is full).
  [[nodiscard]] virtual StreamCore* connect_unix(const std::string& path, int& error) = 0;

  // Binds a Unix socket and listens. Throws Error.
  [[nodiscard]] virtual std::unique_ptr<ListenerCore> listen_unix(
      const std::string& path, const UnixListenOptions& options) = 0;

  // Begins to look up a name, for `operation.done()`.
  //   Returns    the lookup; nullptr if done() has been called already, with an error.
  [[nodiscard]] virtual Lookup* look_up(const std::string& host, ResolveOperation& operation) = 0;
};

}  // namespace coracle::net
