// The two ends of the one connection that most scenarios use.
#pragma once

#include <system_error>
#include <utility>

#include "net/tcp.h"
#include "runtime/error.h"
#include "tests/conformance/streams.h"
#include "tests/net/tcp_pair.h"

namespace coracle::conformance {

using net::bytes_of;
using net::expect_equal_bytes;
using net::pattern;
using net::read_once;
using net::read_to_end;
using net::TcpListener;
using net::TcpStream;
using namespace std::chrono_literals;

inline constexpr std::size_t kEightMegabytes = 8 * 1024 * 1024;

inline Task<TcpStream> accept_one(Meeting& meeting) {
  TcpListener listener = TcpListener::listen(meeting.bind);
  meeting.address = listener.local_address();
  co_return co_await listener.accept();
}

inline Task<TcpStream> connect_to(Meeting& meeting) {
  const net::Address address = co_await meeting.listening();
  co_return co_await TcpStream::connect(address);
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

inline void destroy(TcpStream stream) { static_cast<void>(stream); }

}  // namespace coracle::conformance
