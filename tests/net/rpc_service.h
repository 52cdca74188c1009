// A small service for the tests of RPC, and a loop around it.
#pragma once

#include <algorithm>
#include <map>
#include <stdexcept>
#include <string>
#include <tuple>
#include <vector>

#include "net/rpc.h"
#include "net/serve.h"
#include "runtime/event.h"
#include "runtime/sleep.h"
#include "runtime/task_group.h"
#include "runtime/timeout.h"
#include "tests/net/tcp_pair.h"

namespace coracle::net {

struct Point {
  int x = 0;
  std::string name;
  static auto fields(auto& self) { return std::tie(self.x, self.name); }
  friend bool operator==(const Point&, const Point&) = default;
};

// A number that travels as text, and whose Codec throws at any other text.
struct Spelled {
  int number = 0;
};

template <>
struct Codec<Spelled> {
  static void pack(Packer& out, const Spelled& value) {
    pack_value(out, std::to_string(value.number));
  }
  static bool unpack(Unpacker& in, Spelled& value) {
    std::string text;
    if (!unpack_value(in, text)) return false;
    value.number = std::stoi(text);
    return true;
  }
};

class Service {
 public:
  explicit Service(const RpcServerOptions& options = {}) : server(options) {
    server.handle("sum", [](int a, int b) -> Task<int> { co_return a + b; });
    server.handle("spell", [](Spelled number) { return number.number; });
    server.handle("echo", [](std::string text) -> Task<std::string> { co_return text; });
    server.handle("hold", [this](std::string gate) { return hold(std::move(gate)); });
    server.handle("open", [this](const std::string& gate) { gates[gate].set(); });
    server.handle("move", [](Point point, std::optional<int> by) {
      point.x += by.value_or(1);
      return point;
    });
    server.handle("note", [this](const std::string& text) { notes.push_back(text); });
    server.handle("zeros", [this](std::size_t size) {
      ++zeros;
      return std::vector<std::byte>(size);
    });
    server.handle("who", [](RpcPeer& peer, const std::string& greeting) {
      return greeting + " " + std::to_string(peer.number()) + " " + peer.name();
    });
    server.handle("leave", [this](RpcPeer& peer, std::string word) {
      peer.at_end([this, word = std::move(word)] { notes.push_back("end of " + word); });
    });
    server.handle("fail", &fail);
  }

  RpcServer server;
  std::vector<std::string> notes;
  std::map<std::string, Event> gates;
  int held = 0;           // calls that wait at a gate
  int held_most = 0;      // at any time so far
  int held_canceled = 0;  // that were canceled there
  int zeros = 0;

 private:
  // Returns the gate's name once it is open.
  Task<std::string> hold(std::string gate) {
    struct Count {
      explicit Count(Service& counted) : service(counted) {
        service.held_most = std::max(service.held_most, ++service.held);
      }
      ~Count() {
        --service.held;
        if (!passed) ++service.held_canceled;
      }
      Service& service;
      bool passed = false;
    } count(*this);
    co_await gates[gate].wait();
    count.passed = true;
    co_return gate;
  }

  static Task<> fail(std::string how) {
    if (how == "rpc") throw RpcError("not_leader", "ask 3");
    if (how == "error") throw Error(ENOENT, "open", "x");
    if (how == "bug") throw std::out_of_range("no such key");
    co_return;
  }
};

// Waits until so many calls wait at gates.
inline Task<> until_held(Service& service, int calls) {
  while (service.held != calls) co_await sleep_for(1ms);
}

inline Task<> serve_all(TcpListener& listener, RpcServer& server) {
  co_await serve(listener, [&server](TcpStream peer) { return server.serve(std::move(peer)); });
}

// Runs `body(service, address)`, a coroutine lambda, beside the service.
template <class Body>
Task<> beside_service(Service& service, Body& body) {
  TcpListener listener = TcpListener::listen(Address::loopback(0));
  co_await task_group([&](TaskGroup& group) -> Task<> {
    group.spawn("server", serve_all, std::ref(listener), std::ref(service.server));
    co_await body(service, listener.local_address());
    group.cancel();
  });
}

// The same in a loop of its own.
//   Returns    what was logged.
template <class Body>
std::vector<std::string> with_service(Body body, const RpcServerOptions& options = {}) {
  return in_loop([&]() -> Task<> {
    Service service(options);
    co_await beside_service(service, body);
  });
}

inline bool any_contains(const std::vector<std::string>& lines, std::string_view part) {
  for (const std::string& line : lines) {
    if (line.find(part) != std::string::npos) return true;
  }
  return false;
}

}  // namespace coracle::net
