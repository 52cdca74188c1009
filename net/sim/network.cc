#include "net/sim/network.h"

#include <array>

#include "net/sim/fabric.h"
#include "net/sim/sim_net.h"
#include "runtime/check.h"
#include "runtime/sim/sim_process.h"

namespace coracle::net::sim {

using coracle::sim::Host;
using coracle::sim::SimProcess;

namespace {

void check(const Link& link) {
  CORACLE_CHECK(link.loss >= 0 && link.loss <= 1, "a share of segments is between 0 and 1");
  CORACLE_CHECK(link.duplication >= 0 && link.duplication <= 1,
                "a share of segments is between 0 and 1");
  CORACLE_CHECK(link.bytes_per_second >= 0, "a bandwidth is not negative");
}

}  // namespace

Network::Network(coracle::sim::Simulation& world) : fabric_(std::make_shared<Fabric>(world)) {
  world.at_start_of_process([fabric = fabric_](SimProcess& process, Loop& loop) {
    loop.extend(std::make_unique<SimNet>(*fabric, process.back_end(), loop));
  });
}

Network::~Network() = default;

void Network::link(Host& a, Host& b, const Link& link) {
  link_one_way(a, b, link);
  link_one_way(b, a, link);
}

void Network::link_one_way(Host& from, Host& to, const Link& link) {
  CORACLE_CHECK(&from != &to, "a cable has two ends");
  check(link);
  fabric_->path(fabric_->kernel_of(from), &fabric_->kernel_of(to)).set_link(link);
}

void Network::set_default_link(const Link& link) {
  check(link);
  fabric_->set_default_link(link);
}

void Network::cut(Host& from, Host& to) {
  CORACLE_CHECK(&from != &to, "a cable has two ends");
  fabric_->trace("", "cut", {{"from", from.name()}, {"to", to.name()}});
  fabric_->cut(fabric_->kernel_of(from), fabric_->kernel_of(to));
}

void Network::mend(Host& from, Host& to) {
  fabric_->trace("", "mended", {{"from", from.name()}, {"to", to.name()}});
  fabric_->path(fabric_->kernel_of(from), &fabric_->kernel_of(to)).set_cut(false);
}

void Network::partition(const std::vector<Host*>& side, const std::vector<Host*>& other) {
  for (Host* one : side) {
    for (Host* two : other) {
      cut(*one, *two);
      cut(*two, *one);
    }
  }
}

void Network::heal() {
  fabric_->trace("", "healed", {});
  fabric_->heal();
}

bool Network::is_cut(const Host& from, const Host& to) const {
  return fabric_->path(fabric_->kernel_of(from), &fabric_->kernel_of(to)).cut();
}

void Network::reject(Host& from, Host& to, bool on) {
  CORACLE_CHECK(&from != &to, "a cable has two ends");
  fabric_->trace("", on ? "rejecting" : "admitting", {{"from", from.name()}, {"to", to.name()}});
  fabric_->path(fabric_->kernel_of(from), &fabric_->kernel_of(to)).set_rejecting(on);
}

void Network::reset(Host& a, Host& b) {
  fabric_->trace("", "reset_all", {{"from", a.name()}, {"to", b.name()}});
  fabric_->reset(fabric_->kernel_of(a), fabric_->kernel_of(b));
}

void Network::set_lookups(Host& host, Lookups lookups) {
  fabric_->set_lookups(fabric_->kernel_of(host), lookups);
}

Address Network::address_of(const Host& host, std::uint16_t port) {
  const std::uint32_t number = host.number();
  CORACLE_CHECK(number <= 0xFFFF, "10.0.0.0/16 has room for 65,535 hosts");
  const std::array<std::byte, 4> bytes{std::byte{10}, std::byte{0},
                                       static_cast<std::byte>(number >> 8U),
                                       static_cast<std::byte>(number & 0xFFU)};
  return {bytes, port};
}

const Counters& Network::counters() const { return fabric_->counters(); }

std::size_t Network::connections() const {
  return fabric_->connections().size() + fabric_->local_connections();
}

std::size_t Network::sockets_of(const Host& host) const {
  const Kernel& kernel = fabric_->kernel_of(host);
  std::size_t count = kernel.listeners() + fabric_->datagrams().sockets_of(kernel);
  count += kernel.local().sockets();
  for (const auto& connection : fabric_->connections()) {
    for (const Endpoint* end : {&connection->client(), &connection->server()}) {
      if (end->kernel() == &kernel && end->alive()) ++count;
    }
  }
  return count;
}

}  // namespace coracle::net::sim
