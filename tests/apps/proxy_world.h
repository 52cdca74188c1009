// The proxy in a simulated world, between a client and a target.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <system_error>
#include <vector>

#include "apps/relay.h"
#include "net/sim/network.h"
#include "runtime/log.h"
#include "runtime/sim/simulation.h"
#include "tests/net/tcp_pair.h"

namespace coracle {

inline Task<> run_proxy(net::Address at, std::string target, ProxyOptions options) {
  net::TcpListener listener = net::TcpListener::listen(at);
  co_await serve_proxy(listener, target, options);
}

struct ProxyWorld {
  explicit ProxyWorld(ProxyOptions options = {}, std::uint64_t seed = 1) : world(seed) {
    proxy.options().log_sink = [this](std::string_view line) { logged.emplace_back(line); };
    proxy.start(run_proxy, at_proxy, "target:9000", options);
    world.run_for(std::chrono::milliseconds(1));
  }

  // Starts the target with one connection, which `serve` takes; and the client with `use`.
  void start(std::function<Task<>(net::TcpStream&)> serve,
             std::function<Task<>(net::TcpStream&)> use) {
    target.start([this, serve]() -> Task<> {
      net::TcpListener listener = net::TcpListener::listen(at_target);
      net::TcpStream stream = co_await listener.accept();
      co_await serve(stream);
    });
    client.start([this, use]() -> Task<> {
      net::TcpStream stream = co_await net::TcpStream::connect(at_proxy);
      co_await use(stream);
    });
  }

  // Runs until client and target have ended, without an exception.
  void run_to_the_end() {
    EXPECT_TRUE(world.run_until([this] { return !client.running() && !target.running(); },
                                std::chrono::hours(1)))
        << world.tasks();
    for (const sim::Host* host : {&client, &target}) {
      if (host->failure() == nullptr) continue;
      ADD_FAILURE() << host->name() << ": " << describe_exception(host->failure());
    }
  }

  // Ends the proxy, and expects that nothing is left of it.
  void end_proxy() {
    if (proxy.running()) proxy.signal(SIGINT);
    world.run_for(std::chrono::minutes(1));
    EXPECT_FALSE(proxy.running());
    EXPECT_EQ(network.sockets_of(proxy), 0U);
    EXPECT_EQ(network.connections(), 0U);
  }

  [[nodiscard]] bool has_logged(std::string_view text) const {
    for (const std::string& line : logged) {
      if (line.find(text) != line.npos) return true;
    }
    return false;
  }

  sim::Simulation world;
  net::sim::Network network{world};
  sim::Host& client = world.add_host("client");
  sim::Host& proxy = world.add_host("proxy");
  sim::Host& target = world.add_host("target");
  net::Address at_proxy = net::sim::Network::address_of(proxy, 7000);
  net::Address at_target = net::sim::Network::address_of(target, 9000);
  std::vector<std::string> logged;
};

}  // namespace coracle
