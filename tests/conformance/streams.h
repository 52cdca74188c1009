// What streams do, over each transport, in plain coroutines: the same scenarios run on the real
// back end and on two simulated hosts, so that the simulated kernel behaves as the real one.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "net/address.h"
#include "runtime/sleep.h"
#include "runtime/task.h"
#include "tests/net/transport.h"

namespace coracle::conformance {

// What the two parts of a scenario know of each other. They may run in different loops, so they
// look at it again and again.
struct Meeting {
  net::Transport transport = net::Transport::tcp;
  net::Address bind;                 // where a TCP server listens, with port 0
  std::string path;                  // where a Unix one does
  std::optional<std::string> place;  // where it does listen, in either case
  int step = 0;

  // Returns    a listener, of which nobody knows yet.
  [[nodiscard]] net::Listener listen(int backlog = 1024) const {
    const bool is_tcp = transport == net::Transport::tcp;
    if (is_tcp) return net::TcpListener::listen(bind, {.backlog = backlog});
    return net::UnixListener::listen(path, {.backlog = backlog});
  }
  Task<> reached(int awaited) const {
    while (step < awaited) co_await sleep_for(std::chrono::microseconds(200));
  }
  Task<std::string> listening() const {
    while (!place) co_await sleep_for(std::chrono::microseconds(200));
    co_return *place;
  }
};

struct Scenario {
  const char* name;
  Task<> (*serve)(Meeting&);
  Task<> (*connect)(Meeting&);
};

// What holds over each transport: data and errors; what becomes of what was written; connecting,
// accepting, RPC.
[[nodiscard]] std::span<const Scenario> stream_scenarios();
[[nodiscard]] std::span<const Scenario> sending_scenarios();
[[nodiscard]] std::span<const Scenario> connection_scenarios();
// What only one of them has.
[[nodiscard]] std::span<const Scenario> tcp_scenarios();
[[nodiscard]] std::span<const Scenario> tcp_sending_scenarios();
[[nodiscard]] std::span<const Scenario> unix_scenarios();

}  // namespace coracle::conformance
