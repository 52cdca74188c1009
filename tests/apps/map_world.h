// A simulated cluster that runs what `coracle serve` runs, and a host for clients.
#pragma once

#include <gtest/gtest.h>

#include <exception>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "apps/map_client.h"
#include "apps/map_server.h"
#include "net/sim/network.h"
#include "runtime/log.h"
#include "runtime/sim/simulation.h"

namespace coracle::demo {

class MapWorld {
 public:
  explicit MapWorld(std::uint64_t seed = 1, std::size_t count = 3) : world(seed) {
    for (std::size_t i = 0; i < count; ++i) {
      sim::Host& host = world.add_host("s" + std::to_string(i + 1));
      host.options().log_sink = [this, &host](std::string_view line) {
        if (line.find("event=became_leader") != std::string_view::npos) last_leader_ = &host;
      };
      servers.push_back(&host);
      addresses.push_back(net::sim::Network::address_of(host, 7000));
      members_.emplace(i + 1, addresses.back());
    }
    for (std::size_t i = 0; i < count; ++i) {
      MapServerSetup setup{.id = i + 1, .members = members_, .data = "/data"};
      servers[i]->start(run_map_server, setup);
    }
  }

  // Runs until there is a leader that serves.
  sim::Host& elect() {
    last_leader_ = nullptr;
    EXPECT_TRUE(world.run_until([this] { return last_leader_ != nullptr; }, std::chrono::hours(1)));
    world.run_for(std::chrono::milliseconds(200));
    return *last_leader_;
  }
  // Who has last become leader.
  [[nodiscard]] sim::Host& leader() const { return *last_leader_; }
  [[nodiscard]] sim::Host& follower() const {
    return last_leader_ == servers.front() ? *servers.back() : *servers.front();
  }
  [[nodiscard]] net::Address address(const sim::Host& host) const {
    return net::sim::Network::address_of(host, 7000);
  }
  // Cuts what servers send to clients, or what clients send to servers.
  void cut_answers() {
    for (sim::Host* server : servers) network.cut(*server, clients);
  }
  void cut_requests() {
    for (sim::Host* server : servers) network.cut(clients, *server);
  }

  // Starts a client.
  void start(std::function<Task<>()> client) { clients.start(std::move(client)); }
  // Runs until it has ended, and fails if it threw.
  void run_to_the_end() {
    EXPECT_TRUE(world.run_until([this] { return !clients.running(); }, std::chrono::hours(1)))
        << world.tasks();
    if (clients.failure() != nullptr) {
      ADD_FAILURE() << describe_exception(clients.failure());
    }
  }
  // Runs a client from its beginning to its end.
  void play(std::function<Task<>()> client) {
    start(std::move(client));
    run_to_the_end();
  }
  // What stands under a key, as a new client reads it.
  std::optional<std::string> read(std::string key) {
    std::optional<std::string> found;
    play([&]() -> Task<> {
      MapClient client(addresses);
      found = co_await client.get(key);
    });
    return found;
  }

  sim::Simulation world;
  net::sim::Network network{world};
  std::vector<sim::Host*> servers;
  std::vector<net::Address> addresses;
  sim::Host& clients = world.add_host("clients");

 private:
  Members members_;
  sim::Host* last_leader_ = nullptr;
};

}  // namespace coracle::demo
