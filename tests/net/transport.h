// The kinds of connections that the tests of streams run over: what they promise is the same.
#pragma once

#include <unistd.h>

#include <cstdint>
#include <ostream>
#include <string>
#include <utility>

#include "net/tcp.h"
#include "net/unix.h"
#include "tests/net/tcp_pair.h"

namespace coracle::net {

enum class Transport : std::uint8_t { tcp, unix_socket };

inline std::string to_string(Transport transport) {
  return transport == Transport::tcp ? "Tcp" : "Unix";
}
inline void PrintTo(Transport transport, std::ostream* out) { *out << to_string(transport); }

inline const auto kTransports = testing::Values(Transport::tcp, Transport::unix_socket);
inline std::string name_of_transport(const testing::TestParamInfo<Transport>& info) {
  return to_string(info.param);
}

// A path that nothing has, different each time.
inline std::string new_socket_path() {
  static int count = 0;
  return testing::TempDir() + "coracle_" + std::to_string(getpid()) + "_" +
         std::to_string(++count) + ".sock";
}

inline Listener listen_over(Transport transport, int backlog = 1024) {
  if (transport == Transport::tcp) {
    return TcpListener::listen(Address::loopback(0), {.backlog = backlog});
  }
  return UnixListener::listen(new_socket_path(), {.backlog = backlog});
}

// Connects to who listens at an address or a path, by its text.
inline Task<Stream> connect_to_name(std::string name) {
  if (const auto address = Address::parse(name)) {
    co_return co_await TcpStream::connect(*address);
  }
  co_return co_await UnixStream::connect(name);
}

struct StreamPair {
  StreamPair(Stream connected, Stream accepted)
      : client(std::move(connected)), server(std::move(accepted)) {}

  Stream client;
  Stream server;
};

inline Task<StreamPair> connected_pair(Transport transport) {
  Listener listener = listen_over(transport);
  Stream client = co_await connect_to_name(listener.name());
  Stream server = co_await listener.accept();
  co_return StreamPair(std::move(client), std::move(server));
}

}  // namespace coracle::net
