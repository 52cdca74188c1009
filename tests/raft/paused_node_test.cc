// A server that was stopped does not take its own absence for the silence of others. On virtual
// time, so that what arrives, and how long it takes to be handled, is known to the nanosecond.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "raft/disk_storage.h"
#include "raft/node.h"
#include "raft/replicated_map.h"
#include "runtime/condition.h"
#include "runtime/post.h"
#include "runtime/sim/simulation.h"
#include "runtime/sleep.h"
#include "runtime/task_group.h"
#include "tests/raft/scripted_transport.h"
#include "tests/raft/server.h"

namespace coracle::raft {
namespace {

using namespace std::chrono_literals;

// Heartbeats of leader 2 that have arrived at the node's kernel, and how many it has answered.
struct Arrivals {
  std::size_t arrived = 0;
  std::size_t heard = 0;
  Condition changed = {};
  Duration handling{};  // from the arrival of one to its handler: reading, decoding, other fibers
};

Task<> listen(Service& service, Arrivals& arrivals) {
  for (;;) {
    while (arrivals.heard == arrivals.arrived) co_await arrivals.changed.wait();
    co_await sleep_for(arrivals.handling);
    const AppendEntries beat = heartbeat(2, 1);
    co_await service.answer(beat);
    ++arrivals.heard;
  }
}

struct Follower {
  Node* node = nullptr;
  std::vector<EventKind> events = {};
  Arrivals arrivals = {};
  std::optional<LoopRef> loop = {};
};

// What production would run as server 1 of three.
Task<> follow(Follower& follower) {
  follower.loop = current_loop_ref();
  DiskStorage storage = co_await DiskStorage::open("/data", kCluster, 1);
  ScriptedTransport transport;
  const Configuration configuration({1, 2, 3});
  ReplicatedMap map;
  Node node(storage, configuration, transport, map, Options(),
            [&follower](const Event& event) { follower.events.push_back(event.kind); });
  follower.node = &node;
  co_await task_group([&](TaskGroup& group) -> Task<> {
    group.spawn("node", &Node::run, &node);
    Service* service = co_await transport.service();
    group.spawn("listen", listen, std::ref(*service), std::ref(follower.arrivals));
  });
}

// The leader goes on, whatever the follower does.
void send_heartbeats(sim::Simulation& world, Follower& follower) {
  follower.loop->post([&follower] {
    ++follower.arrivals.arrived;
    follower.arrivals.changed.notify_all();
  });
  world.at(world.now() + 50ms, [&world, &follower] { send_heartbeats(world, follower); });
}

// Returns whether the follower still follows, and has never thought of an election, after having
// been stopped for a second, while the heartbeats that came meanwhile take `handling` each.
bool sleeps_through(Duration handling) {
  Follower follower;
  follower.arrivals.handling = handling;
  sim::Simulation world(1);
  sim::Host& host = world.add_host("one");
  host.start(follow, std::ref(follower));
  world.run_for(20ms);
  send_heartbeats(world, follower);
  world.run_for(1010ms);  // between two heartbeats: none is being handled
  host.pause();
  world.run_for(1s);
  host.resume();
  world.run_for(1s);
  const bool tried = std::ranges::count(follower.events, EventKind::began_pre_vote) > 0;
  return !tried && follower.node->status().leader == 2;
}

// C3
TEST(PausedNode, HearsWhatHasArrivedFirst) { EXPECT_TRUE(sleeps_through(0s)); }

// C3: also where handling takes longer than one pass of the loop.
TEST(PausedNode, GivesWhatHasArrivedTheTimeToBeHandled) { EXPECT_TRUE(sleeps_through(500us)); }

// C8: a leader that had really gone is missed all the same.
TEST(PausedNode, MissesALeaderThatHasGone) {
  Follower follower;
  sim::Simulation world(1);
  sim::Host& host = world.add_host("one");
  host.start(follow, std::ref(follower));
  world.run_for(20ms);
  follower.loop->post([&follower] {
    ++follower.arrivals.arrived;
    follower.arrivals.changed.notify_all();
  });
  world.run_for(10ms);
  EXPECT_EQ(follower.node->status().leader, 2U);
  host.pause();
  world.run_for(1s);
  host.resume();
  world.run_for(2ms);
  EXPECT_EQ(std::ranges::count(follower.events, EventKind::began_pre_vote), 1);
}

}  // namespace
}  // namespace coracle::raft
