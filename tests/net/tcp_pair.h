// What the tests of sockets share: a loop around a test's body, two ends of one connection, bytes
// that show when they were mixed up, and peers without a loop.
#pragma once

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "net/tcp.h"
#include "runtime/error.h"
#include "runtime/run.h"

namespace coracle::net {

using namespace std::chrono_literals;

// Runs `body()`, a coroutine lambda, in a loop of its own.
//   Returns    what was logged.
template <class Body>
std::vector<std::string> in_loop(Body body) {
  std::vector<std::string> lines;
  RunOptions options;
  options.cancel_on_signals = false;
  options.log_sink = [&](std::string_view line) { lines.emplace_back(line); };
  run(body(), options);
  return lines;
}

// The two ends of a connection over loopback.
struct TcpPair {
  TcpPair(TcpStream connected, TcpStream accepted)
      : client(std::move(connected)), server(std::move(accepted)) {}

  TcpStream client;
  TcpStream server;
};

inline Task<TcpPair> connected_pair() {
  TcpListener listener = TcpListener::listen(Address::loopback(0));
  TcpStream client = co_await TcpStream::connect(listener.local_address());
  TcpStream server = co_await listener.accept();
  co_return TcpPair(std::move(client), std::move(server));
}

// `size` bytes, different at each place for a long way.
inline std::string pattern(std::size_t size, std::uint64_t seed = 1) {
  std::string text(size, '\0');
  for (char& c : text) {
    seed = seed * 6364136223846793005U + 1442695040888963407U;
    c = static_cast<char>(seed >> 56U);
  }
  return text;
}

// Compared so that a difference of megabytes does not print megabytes.
inline void expect_equal_bytes(std::string_view actual, std::string_view expected) {
  EXPECT_EQ(actual.size(), expected.size());
  const std::size_t shorter = std::min(actual.size(), expected.size());
  std::size_t same = 0;
  while (same < shorter && actual[same] == expected[same]) ++same;
  EXPECT_EQ(same, shorter) << "the first byte that differs";
}

inline std::span<std::byte> bytes_of(std::string& text) {
  return std::as_writable_bytes(std::span(text));
}

inline Task<std::string> read_once(Stream& stream, std::size_t at_most = 4096) {
  std::string text(at_most, '\0');
  const std::size_t bytes = co_await stream.read(bytes_of(text));
  text.resize(bytes);
  co_return text;
}

inline Task<std::string> read_to_end(Stream& stream) {
  std::string all;
  for (;;) {
    const std::string part = co_await read_once(stream, 64 * 1024);
    if (part.empty()) co_return all;
    all += part;
  }
}

// Returns what awaiting it throws: the text of an Error; nothing if it does not throw.
template <class Awaited>
Task<std::string> error_of(Awaited awaited) {
  try {
    co_await std::move(awaited);
  } catch (const Error& error) {
    co_return error.what();
  }
  co_return "no error";
}

// A peer with blocking calls, on whichever thread.
class RawPeer {
 public:
  // `receive_bytes`: the size of its receive buffer in the kernel; 0 for the system's.
  explicit RawPeer(const Address& server, int receive_bytes = 0)
      : descriptor_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    if (receive_bytes > 0) {
      setsockopt(descriptor_, SOL_SOCKET, SO_RCVBUF, &receive_bytes, sizeof receive_bytes);
    }
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(server.port());
    std::memcpy(&to.sin_addr, server.bytes().data(), sizeof to.sin_addr);
    connect_to(&to, sizeof to, server.to_string());
  }
  // Connects to a Unix socket.
  explicit RawPeer(const std::string& path)
      : descriptor_(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un to{};
    to.sun_family = AF_UNIX;
    path.copy(to.sun_path, sizeof(to.sun_path) - 1);
    connect_to(&to, sizeof to, path);
  }
  RawPeer(const RawPeer&) = delete;
  RawPeer& operator=(const RawPeer&) = delete;
  ~RawPeer() { close(descriptor_); }

  void send(std::string_view text) const {
    while (!text.empty()) {
      const ssize_t sent = ::send(descriptor_, text.data(), text.size(), MSG_NOSIGNAL);
      if (sent < 0) throw Error(errno, "send");
      text.remove_prefix(static_cast<std::size_t>(sent));
    }
  }

  // Reads to the end of the stream.
  //   Throws     Error when the connection is reset; `before_reset` has what came before.
  std::string receive_all(std::string* before_reset = nullptr) const {
    std::string all;
    std::array<char, 64 * 1024> part;
    for (;;) {
      const ssize_t bytes = recv(descriptor_, part.data(), part.size(), 0);
      if (bytes < 0 && before_reset != nullptr) *before_reset = all;
      if (bytes < 0) throw Error(errno, "receive");
      if (bytes == 0) return all;
      all.append(part.data(), static_cast<std::size_t>(bytes));
    }
  }
  std::string receive(std::size_t bytes) const {
    std::string text(bytes, '\0');
    const ssize_t got = recv(descriptor_, text.data(), bytes, MSG_WAITALL);
    if (got < 0) throw Error(errno, "receive");
    text.resize(static_cast<std::size_t>(got));
    return text;
  }

  void shut_down() const { shutdown(descriptor_, SHUT_WR); }

  // Has its end, when it comes, be a reset.
  void end_with_reset() const {
    const linger at_once{1, 0};
    setsockopt(descriptor_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  }

 private:
  void connect_to(const void* to, socklen_t bytes, const std::string& name) const {
    if (connect(descriptor_, static_cast<const sockaddr*>(to), bytes) == 0) return;
    throw Error(errno, "connect", name);
  }

  int descriptor_;
};

}  // namespace coracle::net
