// The network between the hosts of a simulated world: cables with delay, loss and a bandwidth, and
// what can go wrong with them. Programs use net/tcp.h, net/udp.h and net/resolve.h as ever.
//
//   sim::Simulation world(seed);
//   sim::Host& a = world.add_host("a");
//   sim::Host& b = world.add_host("b");
//   net::sim::Network network(world);
//   network.link(a, b, {.latency = {100us, 300us}, .loss = 0.01});
//   a.start(serve_main, network.address_of(a, 7000));
//   b.start(client_main, std::string("a"), std::uint16_t{7000});
//   network.partition({&a}, {&b});
//   world.run_for(10s);
//   network.heal();
//
// Each host has one address, 10.0.x.y after its number, besides 127.0.0.1 and ::1, and is found by
// its name. Its kernel speaks TCP as Linux does: what the process has written and left is still
// sent when it dies, and nothing is when the machine does; what was lost is sent again after 200
// ms, 400 ms, ...; a connection to a machine that has forgotten it is answered with a reset.
// Datagrams reach groups and 10.0.255.255 too; to a port where nobody listens they are answered by
// ICMP.
// Unix sockets (net/unix.h) join processes of one host, and need no cable.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "net/address.h"
#include "runtime/sim/delay.h"
#include "runtime/sim/host.h"
#include "runtime/sim/simulation.h"

namespace coracle::net::sim {

class Fabric;

// One direction of a cable.
struct Link {
  // How long a segment (16 KiB at most) or a datagram is under way. Segments of one connection stay
  // in order; datagrams overtake each other.
  coracle::sim::Delay latency{std::chrono::microseconds(50), std::chrono::microseconds(200), {}};
  // The share of segments, acknowledgements and datagrams that never arrive.
  double loss = 0;
  // The share that arrives twice (of a segment the second one is dropped by the receiver's kernel).
  double duplication = 0;
  // Bytes wait for those that were sent before them; 0 is as many as there are.
  std::int64_t bytes_per_second = 0;
};

// What becomes of a host's lookups.
enum class Lookups : std::uint8_t {
  answered,  // within 0.2 to 2 ms
  failing,   // ResolveError::try_again
  hanging,   // no answer until that changes
};

// What the network has done so far.
struct Counters {
  std::uint64_t segments_sent = 0;  // each time they were sent
  std::uint64_t segments_delivered = 0;
  std::uint64_t bytes_delivered = 0;  // each once
  std::uint64_t segments_retransmitted = 0;
  std::uint64_t segments_lost = 0;       // by Link::loss
  std::uint64_t segments_cut = 0;        // by a cut cable
  std::uint64_t segments_unheard = 0;    // by machines without power, or that do not exist
  std::uint64_t segments_duplicate = 0;  // arrived a second time
  std::uint64_t resets_sent = 0;
  // Multicast counts once for each host that it is sent to.
  std::uint64_t datagrams_sent = 0;
  std::uint64_t datagrams_delivered = 0;  // once for each socket that has it
  std::uint64_t datagrams_duplicated = 0;
  std::uint64_t datagrams_lost = 0;     // by Link::loss
  std::uint64_t datagrams_cut = 0;      // by a cut cable
  std::uint64_t datagrams_unheard = 0;  // nobody listened
  std::uint64_t datagrams_dropped = 0;  // the receiver's buffer was full
};

// Serves all processes of the world that start after it was made, and goes on doing so when this
// object is gone. Made once per world.
class Network {
 public:
  explicit Network(coracle::sim::Simulation& world);
  Network(const Network&) = delete;
  Network& operator=(const Network&) = delete;
  ~Network();

  // ---- Cables ----
  // Sets both directions between two hosts, or one. What is under way stays under way.
  //   Requires   different hosts; shares between 0 and 1.
  void link(coracle::sim::Host& a, coracle::sim::Host& b, const Link& link);
  void link_one_way(coracle::sim::Host& from, coracle::sim::Host& to, const Link& link);
  // Sets all directions that link() has not set; 50 to 200 us and nothing lost, unless set. Within
  // a host it takes 10 to 30 us, always.
  void set_default_link(const Link& link);

  // ---- Faults ----
  // Cuts one direction: what is under way is lost, and all that is sent from now on. Nobody is
  // told.
  void cut(coracle::sim::Host& from, coracle::sim::Host& to);
  void mend(coracle::sim::Host& from, coracle::sim::Host& to);
  // Cuts every cable between the two sides, both ways.
  void partition(const std::vector<coracle::sim::Host*>& side,
                 const std::vector<coracle::sim::Host*>& other);
  // Mends all cuts and ends all rejections; loss and delays stay.
  void heal();
  // Returns    whether what `from` sends is lost by a cut.
  [[nodiscard]] bool is_cut(const coracle::sim::Host& from, const coracle::sim::Host& to) const;
  // A firewall before `to` that answers what `from` sends with a reset: attempts to connect are
  // refused, connections are reset at their next segment; datagrams are answered by ICMP.
  void reject(coracle::sim::Host& from, coracle::sim::Host& to, bool on = true);
  // Resets every connection between two hosts, at once: both ends see ECONNRESET.
  void reset(coracle::sim::Host& a, coracle::sim::Host& b);
  void set_lookups(coracle::sim::Host& host, Lookups lookups);

  // ---- Seeing ----
  // Returns    where a host is: 10.0.0.1 for the first one.
  [[nodiscard]] static Address address_of(const coracle::sim::Host& host, std::uint16_t port);
  [[nodiscard]] const Counters& counters() const;
  // Returns    how many connections a kernel still knows, those included that nobody owns any more,
  //            and those of Unix sockets.
  [[nodiscard]] std::size_t connections() const;
  // Returns    how many of them, of listeners and of UDP sockets, the kernel of one host knows.
  [[nodiscard]] std::size_t sockets_of(const coracle::sim::Host& host) const;

 private:
  std::shared_ptr<Fabric> fabric_;  // with the world
};

}  // namespace coracle::net::sim
