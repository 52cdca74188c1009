#include "net/sim/datagrams.h"

#include <algorithm>
#include <cerrno>
#include <string>

#include "net/sim/fabric.h"
#include "net/sim/kernel.h"
#include "net/sim/path.h"

namespace coracle::net::sim {
namespace {

bool to_many(const Address& address) { return is_multicast(address) || is_broadcast(address); }

// Two sockets would hear the same. (IPv6 sockets do not hear IPv4.)
bool overlap(const Address& one, const Address& other) {
  if (one.family() != other.family()) return false;
  return is_any(one) || is_any(other) || one.with_port(0) == other.with_port(0);
}

// How well a socket fits a datagram to one machine; nothing if it does not hear it.
std::optional<int> fit(const DatagramSocket& socket, const Datagram& datagram) {
  const bool is_named = socket.address().with_port(0) == datagram.to.with_port(0);
  const bool same_family = socket.address().family() == datagram.to.family();
  if (!is_named && !(same_family && is_any(socket.address()))) return std::nullopt;
  if (socket.peer() && *socket.peer() != datagram.from) return std::nullopt;
  return (socket.peer() ? 2 : 0) + (is_named ? 1 : 0);
}

// FNV-1a, and a last step that spreads neighboring ports (of splitmix64). All datagrams of one
// sender go to one of those who share a port.
std::size_t hash_of(const Address& address) {
  std::uint64_t hash = 14695981039346656037U;
  const auto mix = [&](std::uint64_t value) { hash = (hash ^ value) * 1099511628211U; };
  for (const std::byte byte : address.bytes()) mix(std::to_integer<std::uint64_t>(byte));
  mix(address.port());
  return ((hash ^ (hash >> 30U)) * 0xBF58476D1CE4E5B9U) >> 32U;
}

}  // namespace

Datagrams::~Datagrams() {
  for (const auto& flight : flights_) fabric_.agenda().cancel(*flight);
}

// --- ports -------------------------------------------------------------------------------------

std::uint16_t Datagrams::free_port(Ports& ports) {
  for (int tries = 0; tries <= kLastPort - kFirstPort; ++tries) {
    const bool wraps = ports.last < kFirstPort || ports.last == kLastPort;
    ports.last = wraps ? kFirstPort : static_cast<std::uint16_t>(ports.last + 1);
    if (!ports.bound.contains(ports.last)) return ports.last;
  }
  return 0;
}

int Datagrams::bind(DatagramSocket& socket, Address& address) {
  if (!socket.kernel().owns(address) && !to_many(address)) return EADDRNOTAVAIL;
  Ports& ports = ports_[socket.kernel().number()];
  if (address.port() == 0) address = address.with_port(free_port(ports));
  if (address.port() == 0) return EADDRINUSE;
  std::vector<DatagramSocket*>& others = ports.bound[address.port()];
  for (const DatagramSocket* other : others) {
    if (!socket.may_share_with(*other) && overlap(other->address(), address)) return EADDRINUSE;
  }
  others.push_back(&socket);
  return 0;
}

void Datagrams::unbind(DatagramSocket& socket) {
  auto& bound = ports_[socket.kernel().number()].bound;
  const auto place = bound.find(socket.address().port());
  std::erase(place->second, &socket);
  if (place->second.empty()) bound.erase(place);
}

std::size_t Datagrams::sockets_of(const Kernel& kernel) const {
  const auto place = ports_.find(kernel.number());
  if (place == ports_.end()) return 0;
  std::size_t count = 0;
  for (const auto& [port, sockets] : place->second.bound) count += sockets.size();
  return count;
}

// --- sending -----------------------------------------------------------------------------------

std::optional<Address> Datagrams::source_for(const DatagramSocket& socket,
                                             const Address& to) const {
  const Address& own = socket.address();
  const bool is_ipv6 = to.family() == Address::Family::ipv6;
  const bool stays = is_loopback(to) || is_any(to);
  const Address loopback = Address::from(is_ipv6 ? "[::1]:0" : "127.0.0.1:0");
  // 10.0.0.0/16 is the network of all hosts; there is no way to any other.
  const bool is_ours = !is_ipv6 && to.bytes()[0] == std::byte{10} && to.bytes()[1] == std::byte{0};
  if (!stays && !is_ours && !to_many(to)) return std::nullopt;
  if (!is_any(own)) return own;
  const bool is_local = stays || (is_multicast(to) && (is_ipv6 || socket.multicast_via_loopback()));
  return (is_local ? loopback : socket.kernel().address()).with_port(own.port());
}

int Datagrams::send(const DatagramSocket& sender, std::span<const std::byte> bytes, Address to) {
  if (to.family() != sender.address().family()) return EAFNOSUPPORT;
  if (bytes.size() > kDatagramBytesMax) return EMSGSIZE;
  if (to.port() == 0) return EINVAL;
  const std::optional<Address> from = source_for(sender, to);
  if (!from) return ENETUNREACH;
  if (is_broadcast(to) && !sender.may_broadcast()) return EACCES;
  if (is_any(to)) {
    const bool is_ipv6 = to.family() == Address::Family::ipv6;
    to = Address::from(is_ipv6 ? "[::1]:0" : "127.0.0.1:0").with_port(to.port());
  }
  const bool stays = is_loopback(to);
  if (is_loopback(*from) && !stays && !is_multicast(to)) return EINVAL;
  Datagram datagram{*from, to,
                    std::make_shared<const std::vector<std::byte>>(bytes.begin(), bytes.end())};
  if (to_many(to)) {
    send_to_all(sender, std::move(datagram));
  } else {
    Kernel& own = sender.kernel();
    launch(own, stays ? &own : fabric_.kernel_at(to), datagram, /*is_refusal=*/false);
  }
  return 0;
}

void Datagrams::send_to_all(const DatagramSocket& sender, Datagram datagram) {
  Kernel& own = sender.kernel();
  const bool is_group = is_multicast(datagram.to);
  const bool is_ipv6 = datagram.to.family() == Address::Family::ipv6;
  datagram.via_loopback = is_group && sender.multicast_via_loopback();
  // What is sent on the loopback interface is heard there in any case.
  const bool is_heard_here = !is_group || datagram.via_loopback || sender.hears_own_multicast();
  if (is_heard_here) launch(own, &own, datagram, false);
  if (is_loopback(datagram.to) || (is_group && (is_ipv6 || !sender.multicast_leaves()))) return;
  for (Kernel* kernel : fabric_.all_kernels()) {
    if (kernel != &own) launch(own, kernel, datagram, false);
  }
}

void Datagrams::launch(Kernel& from, Kernel* to, const Datagram& datagram, bool is_refusal) {
  Path& path = fabric_.path(from, to);
  Counters& counters = fabric_.counters();
  if (!is_refusal) ++counters.datagrams_sent;
  if (path.cut() || path.loses(fabric_.random())) {
    ++(path.cut() ? counters.datagrams_cut : counters.datagrams_lost);
    trace_lost(&from, path.cut() ? "cut" : "loss", datagram);
    return;
  }
  fly(path, to, datagram, is_refusal);
  if (path.duplicates(fabric_.random())) {
    ++counters.datagrams_duplicated;
    fly(path, to, datagram, is_refusal);
  }
}

void Datagrams::fly(Path& path, Kernel* to, const Datagram& datagram, bool is_refusal) {
  const std::size_t bytes = is_refusal ? 0 : datagram.bytes->size();
  const TimePoint arrival = path.carry(fabric_.random(), fabric_.agenda().now(), bytes);
  flights_.push_back(std::make_unique<Flight>(*this, path, to, datagram, is_refusal));
  Flight& flight = *flights_.back();
  flight.place_ = std::prev(flights_.end());
  fabric_.agenda().plan(flight, arrival);
}

// --- arriving ----------------------------------------------------------------------------------

void Datagrams::land(Flight& flight) {
  const std::unique_ptr<Flight> landed = std::move(*flight.place_);
  flights_.erase(landed->place_);
  if (landed->to_ == nullptr || !landed->to_->powered()) {
    ++fabric_.counters().datagrams_unheard;
    trace_lost(landed->to_, "no_machine", landed->datagram_);
  } else if (landed->is_refusal_) {
    tell_refused(*landed->to_, landed->datagram_);
  } else if (landed->path_.rejecting()) {
    launch(*landed->to_, fabric_.kernel_at(landed->datagram_.from), landed->datagram_, true);
  } else {
    deliver(*landed->to_, landed->datagram_);
  }
}

std::vector<DatagramSocket*> Datagrams::hearers(const Kernel& kernel,
                                                const Datagram& datagram) const {
  std::vector<DatagramSocket*> found;
  const auto ports = ports_.find(kernel.number());
  if (ports == ports_.end()) return found;
  const auto place = ports->second.bound.find(datagram.to.port());
  if (place == ports->second.bound.end()) return found;
  int best = -1;
  for (DatagramSocket* socket : place->second) {
    if (to_many(datagram.to)) {
      const bool hears = overlap(socket->address(), datagram.to) && !socket->peer();
      const bool wants = is_broadcast(datagram.to) || socket->is_member(datagram);
      if (hears && wants) found.push_back(socket);
      continue;
    }
    const std::optional<int> how_well = fit(*socket, datagram);
    if (!how_well || *how_well < best) continue;
    if (*how_well > best) found.clear();
    best = *how_well;
    found.push_back(socket);
  }
  if (to_many(datagram.to) || found.size() <= 1) return found;
  // Without a shared port it is the socket that was bound last.
  const bool share = found.front()->shares_port();
  return {share ? found[hash_of(datagram.from) % found.size()] : found.back()};
}

void Datagrams::deliver(Kernel& to, const Datagram& datagram) {
  const std::vector<DatagramSocket*> sockets = hearers(to, datagram);
  if (sockets.empty()) {
    ++fabric_.counters().datagrams_unheard;
    trace_lost(&to, "no_socket", datagram);
    if (to_many(datagram.to)) return;
    Kernel* sender = is_loopback(datagram.from) ? &to : fabric_.kernel_at(datagram.from);
    launch(to, sender, datagram, /*is_refusal=*/true);
    return;
  }
  for (DatagramSocket* socket : sockets) {
    const bool taken = socket->arrive(datagram);
    ++(taken ? fabric_.counters().datagrams_delivered : fabric_.counters().datagrams_dropped);
    if (!taken) {
      trace_lost(&to, "no_room", datagram);
      continue;
    }
    fabric_.trace(to.host_name(), "datagram_arrived",
                  {{"from", datagram.from.to_string()},
                   {"to", datagram.to.to_string()},
                   {"bytes", static_cast<std::int64_t>(datagram.bytes->size())}});
  }
}

// An ICMP message quotes the datagram. Only the connected socket that sent it is told.
void Datagrams::tell_refused(Kernel& to, const Datagram& datagram) {
  auto& bound = ports_[to.number()].bound;
  const auto place = bound.find(datagram.from.port());
  if (place == bound.end()) return;
  for (DatagramSocket* socket : place->second) {
    if (socket->peer() == datagram.to && socket->address() == datagram.from) {
      fabric_.trace(to.host_name(), "datagram_refused", {{"to", datagram.to.to_string()}});
      socket->refused();
    }
  }
}

void Datagrams::trace_lost(const Kernel* host, std::string_view why, const Datagram& datagram) {
  fabric_.trace(host == nullptr ? "" : std::string_view(host->host_name()), "datagram_lost",
                {{"why", why},
                 {"from", datagram.from.to_string()},
                 {"to", datagram.to.to_string()},
                 {"bytes", static_cast<std::int64_t>(datagram.bytes->size())}});
}

// --- faults ------------------------------------------------------------------------------------

void Datagrams::lose_under_way(const Path& cable) {
  std::erase_if(flights_, [&](const std::unique_ptr<Flight>& flight) {
    if (&flight->path() != &cable) return false;
    ++fabric_.counters().datagrams_cut;
    trace_lost(nullptr, "cut", flight->datagram_);
    fabric_.agenda().cancel(*flight);
    return true;
  });
}

void Datagrams::machine_stopped(const Kernel& kernel) {
  for (const auto& [port, sockets] : std::exchange(ports_[kernel.number()].bound, {})) {
    for (DatagramSocket* socket : sockets) socket->vanish();
  }
}

}  // namespace coracle::net::sim
