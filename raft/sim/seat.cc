#include "raft/sim/seat.h"

#include <algorithm>
#include <utility>

#include "net/tcp.h"
#include "raft/disk_storage.h"
#include "raft/replicated_map.h"
#include "raft/rpc_transport.h"
#include "runtime/task_group.h"

namespace coracle::raft::sim {
namespace {

constexpr std::string_view kDirectory = "/data";

}  // namespace

// Lets the cluster see the node, for as long as both live: a crash destroys this, too.
class Seat::Life {
 public:
  Life(Seat& seat, const Node& node, WireTap& tap, ClientDesk& desk, const ReplicatedMap& map)
      : seat_(seat) {
    seat_.node = &node;
    seat_.tap = &tap;
    seat_.desk = &desk;
    seat_.map = &map;
    seat_.identity = node.state().identity();
    seat_.cluster.node_started(seat_);
  }
  Life(const Life&) = delete;
  Life& operator=(const Life&) = delete;
  ~Life() {
    seat_.node = nullptr;
    seat_.tap = nullptr;
    seat_.desk = nullptr;
    seat_.map = nullptr;
  }

 private:
  Seat& seat_;
};

// Lets the cluster see what is applied.
class Seat::Machine final : public StateMachine {
 public:
  Machine(Seat& seat, StateMachine& inner) : seat_(seat), inner_(inner) {}

  Task<std::vector<SharedBytes>> apply(std::span<const Command> commands) override {
    for (const Command& command : commands) seat_.cluster.applies(seat_.id, command);
    return inner_.apply(commands);
  }

 private:
  Seat& seat_;
  StateMachine& inner_;
};

Seat::Seat(RaftCluster& of, ServerId server, coracle::sim::Host& on)
    : cluster(of),
      id(server),
      host(on),
      disk(on.disk(), std::string(kDirectory), kCluster, server) {
  host.options().log_level = LogLevel::warn;  // the trace tells events
}

void Seat::start() {
  started = true;
  if (given_hard_state) {
    const Identity before{
        .cluster = kCluster, .self = id, .incarnation = {.directory = id, .start = 1}};
    write_directory(host.disk(), std::string(kDirectory), before, *given_hard_state, given_log);
  }
  host.start([this] { return serve(); });
}

// What `coracle serve` does, with a tap on the wire.
Task<> Seat::serve() {
  shortest_drawn_ = options.timing.timeout_min;
  longest_drawn_ = options.timing.timeout_max;
  DiskLogOptions small;
  small.segment_bytes = kSegmentBytes;
  DiskStorage storage = co_await DiskStorage::open(kDirectory, kCluster, id, small);
  RpcTransport transport(net::TcpListener::listen(net::sim::Network::address_of(host, kPort)),
                         peers, options.replication);
  WireTap wire(id, transport, cluster.message_faults_, cluster);
  ReplicatedMap values;
  Machine machine(*this, values);
  Node server(
      storage, configuration, wire, machine, options,
      [this](const Event& event) { cluster.node_tells(*this, event); },
      [this](Random& random, const Timing& timing) { return draw_timeout(random, timing); });
  ClientDesk clients(server, values);
  const Life life(*this, server, wire, clients, values);
  co_await task_group([&](TaskGroup& group) -> Task<> {
    group.spawn("clients", &ClientDesk::run, &clients, std::ref(group));
    co_await server.run();
  });
}

Duration Seat::draw_timeout(Random& random, const Timing& timing) {
  drawn.before = drawn.last;
  if (timeouts.empty()) {
    drawn.last = random.between(timing.timeout_min, timing.timeout_max);
  } else {
    drawn.last = timeouts.front();
    timeouts.pop_front();
  }
  shortest_drawn_ = std::min(shortest_drawn_, drawn.last);
  longest_drawn_ = std::max(longest_drawn_, drawn.last);
  return drawn.last;
}

View Seat::view() const {
  return {.id = id,
          .state = node->state(),
          .now = host.clock().shown_at(host.world().now()),
          .shortest_drawn = shortest_drawn_,
          .longest_drawn = longest_drawn_,
          .disk = disk};
}

}  // namespace coracle::raft::sim
