#include "net/sim/fabric.h"

#include <algorithm>
#include <cerrno>

#include "net/sim/sim_lookup.h"

namespace coracle::net::sim {
namespace {

constexpr std::uint32_t kNobody = 0;  // numbers of hosts begin with 1

}  // namespace

Fabric::Fabric(coracle::sim::Simulation& world) : world_(world) {
  loopback_link_.latency = {std::chrono::microseconds(10), std::chrono::microseconds(30), {}};
}

Fabric::~Fabric() { connections_.clear(); }

void Fabric::trace(std::string_view host, std::string_view event,
                   std::initializer_list<coracle::sim::Fact> facts) {
  world_.trace().add(world_.now(), host, event, facts);
}

// --- machines and cables -----------------------------------------------------------------------

Kernel& Fabric::kernel_of(const coracle::sim::Host& host) {
  const std::size_t number = host.number();
  if (kernels_.size() <= number) kernels_.resize(number + 1);
  if (kernels_[number] == nullptr) {
    kernels_[number] = std::make_unique<Kernel>(*this, *world_.hosts()[number - 1]);
  }
  return *kernels_[number];
}

Kernel* Fabric::kernel_at(const Address& address) {
  const auto high = std::to_integer<std::size_t>(address.bytes()[2]);
  const std::size_t number = high * 256 + std::to_integer<std::size_t>(address.bytes()[3]);
  const auto& hosts = world_.hosts();
  return number == 0 || number > hosts.size() ? nullptr : &kernel_of(*hosts[number - 1]);
}

Kernel* Fabric::kernel_named(std::string_view name) {
  for (const auto& host : world_.hosts()) {
    if (host->name() == name) return &kernel_of(*host);
  }
  return nullptr;
}

std::vector<Kernel*> Fabric::all_kernels() {
  std::vector<Kernel*> kernels;
  kernels.reserve(world_.hosts().size());
  for (const auto& host : world_.hosts()) kernels.push_back(&kernel_of(*host));
  return kernels;
}

Path& Fabric::path(const Kernel& from, const Kernel* to) {
  const std::pair key(from.number(), to == nullptr ? kNobody : to->number());
  const Link& link = key.first == key.second ? loopback_link_ : default_link_;
  return paths_.try_emplace(key, link).first->second;
}

// --- connections -------------------------------------------------------------------------------

Endpoint* Fabric::connect(Kernel& from, const Address& to, SocketEvents& socket, int& error) {
  const bool is_ipv6 = to.family() == Address::Family::ipv6;
  const Address loopback = Address::from(is_ipv6 ? "[::1]:0" : "127.0.0.1:0");
  const Address target = is_any(to) ? loopback.with_port(to.port()) : to;
  const bool stays = is_loopback(target);
  // 10.0.0.0/16 is the network of all hosts; there is no way to any other.
  const bool is_ours =
      !is_ipv6 && target.bytes()[0] == std::byte{10} && target.bytes()[1] == std::byte{0};
  error = stays || is_ours ? 0 : ENETUNREACH;
  if (error != 0) return nullptr;
  const std::uint16_t port = from.take_port();
  error = port == 0 ? EADDRNOTAVAIL : 0;
  if (error != 0) return nullptr;

  Kernel* server = stays ? &from : kernel_at(target);
  const Address local = (stays ? loopback : from.address()).with_port(port);
  Path& there = path(from, server);
  // Where there is nobody, nothing comes back.
  Path& back = server == nullptr ? there : path(*server, &from);
  connections_.push_back(
      std::make_unique<Connection>(*this, from, local, server, target, there, back));
  Connection& connection = *connections_.back();
  connection.place_ = std::prev(connections_.end());
  connection.client().attach(socket);
  connection.client().connect();
  return &connection.client();
}

void Fabric::destroy(Connection& connection) {
  connection.client().kernel()->give_back_port(connection.client().port());
  connections_.erase(connection.place_);
}

std::size_t Fabric::local_connections() const {
  std::size_t count = 0;
  for (const auto& kernel : kernels_)
    count += kernel == nullptr ? 0 : kernel->local().connections();
  return count;
}

template <class Act>
void Fabric::for_each_connection(Act act) {
  std::vector<Connection*> all;
  for (const auto& connection : connections_) all.push_back(connection.get());
  for (Connection* connection : all) act(*connection);
}

// --- faults ------------------------------------------------------------------------------------

void Fabric::cut(Kernel& from, Kernel& to) {
  Path& cable = path(from, &to);
  if (cable.cut()) return;
  cable.set_cut(true);
  datagrams_.lose_under_way(cable);
  for_each_connection([&](Connection& connection) {
    Flow& request = connection.request();
    Flow& answer = connection.answer();
    if (&request.there() == &cable) {
      request.lose_segments();
      answer.lose_acks();
    } else if (&answer.there() == &cable) {
      answer.lose_segments();
      request.lose_acks();
    }
    connection.settle();
  });
}

void Fabric::heal() {
  for (auto& [ends, cable] : paths_) {
    cable.set_cut(false);
    cable.set_rejecting(false);
  }
}

void Fabric::reset(const Kernel& one, const Kernel& other) {
  for_each_connection([&](Connection& connection) {
    const Kernel* client = connection.client().kernel();
    const Kernel* server = connection.server().kernel();
    const bool is_between =
        (client == &one && server == &other) || (client == &other && server == &one);
    if (!is_between) return;
    connection.client().reset_arrived();
    connection.server().reset_arrived();
    connection.settle();
  });
}

void Fabric::machine_stopped(const Kernel& kernel) {
  datagrams_.machine_stopped(kernel);
  for_each_connection([&](Connection& connection) {
    for (Endpoint* end : {&connection.client(), &connection.server()}) {
      if (end->kernel() != &kernel || !end->alive()) continue;
      end->vanish();
      end->peer().out().suspect();
    }
    connection.settle();
  });
}

// --- lookups -----------------------------------------------------------------------------------

Lookups Fabric::lookups_of(const Kernel& kernel) const {
  const auto place = lookups_.find(kernel.number());
  return place == lookups_.end() ? Lookups::answered : place->second;
}

void Fabric::set_lookups(const Kernel& kernel, Lookups lookups) {
  lookups_[kernel.number()] = lookups;
  if (lookups == Lookups::hanging) return;
  std::vector<SimLookup*> waiting;
  for (SimLookup* lookup : hanging_) {
    if (&lookup->kernel() == &kernel) waiting.push_back(lookup);
  }
  for (SimLookup* lookup : waiting) {
    remove_hanging(*lookup);
    lookup->answer_later();
  }
}

}  // namespace coracle::net::sim
