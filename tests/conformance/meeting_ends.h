// The two ends of the one connection that most scenarios use.
#pragma once

#include <system_error>
#include <utility>

#include "net/tcp.h"
#include "net/unix.h"
#include "runtime/error.h"
#include "tests/conformance/streams.h"
#include "tests/net/transport.h"

namespace coracle::conformance {

using net::bytes_of;
using net::expect_equal_bytes;
using net::Listener;
using net::pattern;
using net::read_once;
using net::read_to_end;
using net::Stream;
using net::TcpListener;
using net::TcpStream;
using net::Transport;
using net::UnixListener;
using net::UnixStream;
using namespace std::chrono_literals;

inline constexpr std::size_t kEightMegabytes = 8 * 1024 * 1024;

// Listens, and tells where.
inline Listener listen(Meeting& meeting, int backlog = 1024) {
  Listener listener = meeting.listen(backlog);
  meeting.place = listener.name();
  return listener;
}

inline Task<Stream> accept_one(Meeting& meeting) {
  Listener listener = listen(meeting);
  co_return co_await listener.accept();
}

inline Task<Stream> connect_to(Meeting& meeting) {
  std::string place = co_await meeting.listening();
  co_return co_await net::connect_to_name(std::move(place));
}

// Returns    with what awaiting it fails; no code if it does not.
template <class Awaited>
Task<std::error_code> code_of(Awaited awaited) {
  try {
    co_await std::move(awaited);
  } catch (const Error& error) {
    co_return error.code();
  }
  co_return std::error_code();
}

inline void destroy(Stream stream) { static_cast<void>(stream); }

}  // namespace coracle::conformance
