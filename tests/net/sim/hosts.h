// Two hosts of a simulated world with the network between them, and what their programs share.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <system_error>
#include <utility>

#include "net/sim/network.h"
#include "net/tcp.h"
#include "runtime/log.h"
#include "runtime/sim/simulation.h"
#include "runtime/sleep.h"
#include "runtime/timeout.h"
#include "tests/net/tcp_pair.h"

namespace coracle::net {

using coracle::sim::exactly;
using coracle::sim::Host;
using coracle::sim::Simulation;

struct TwoHosts {
  explicit TwoHosts(std::uint64_t seed = 1)
      : world(seed), network(world), a(world.add_host("a")), b(world.add_host("b")) {}

  Simulation world;
  sim::Network network;
  Host& a;
  Host& b;
  const Address at_b = sim::Network::address_of(b, 7000);

  // Everything takes exactly so long.
  void set_latency(Duration latency) { network.link(a, b, {.latency = exactly(latency)}); }
};

inline Duration since_begin() { return now().time_since_epoch(); }

inline void expect_no_failure(const Host& host) {
  if (host.failure() == nullptr) return;
  ADD_FAILURE() << host.name() << " failed: " << describe_exception(host.failure());
}

// Runs until all processes have ended, none of them with an exception.
inline void run_to_the_end(Simulation& world) {
  world.run();
  for (const auto& host : world.hosts()) expect_no_failure(*host);
}

// How often an event is in the trace.
inline int count_events(Simulation& world, std::string_view event) {
  int count = 0;
  for (std::size_t i = 0; i < world.trace().kept(); ++i) {
    if (world.trace().at(i).event == event) ++count;
  }
  return count;
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

inline Task<TcpStream> accept_at(Address address) {
  TcpListener listener = TcpListener::listen(address);
  co_return co_await listener.accept();
}

// Keeps what it reads, until the end or an error, which it keeps too.
struct Reader {
  std::string text;
  std::error_code code;
  bool ended = false;
  Duration last{};  // when the last bytes, or the end, arrived

  Task<> read_from(Stream& stream) {
    try {
      for (;;) {
        const std::string part = co_await read_once(stream, 64 * 1024);
        last = since_begin();
        if (part.empty()) break;
        text += part;
      }
    } catch (const Error& error) {
      code = error.code();
      last = since_begin();
    }
    ended = true;
  }
};

// A program that accepts one connection and reads it to its end.
inline Task<> accept_and_read(Address address, Reader& reader) {
  TcpStream stream = co_await accept_at(address);
  co_await reader.read_from(stream);
}

}  // namespace coracle::net
