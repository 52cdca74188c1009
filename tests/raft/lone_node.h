// One node whose peers are the test, on a disk whose calls the test can make fail or wait.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "raft/disk_storage.h"
#include "raft/hard_state.h"
#include "raft/node.h"
#include "raft/replicated_map.h"
#include "runtime/error.h"
#include "runtime/event.h"
#include "runtime/file.h"
#include "runtime/sleep.h"
#include "runtime/task_group.h"
#include "tests/raft/disk_faults.h"
#include "tests/raft/scripted_transport.h"
#include "tests/raft/server.h"
#include "tests/raft/with_directory.h"

namespace coracle::raft {

inline Options paced(Duration heartbeat, Duration timeout_min, Duration timeout_max) {
  Options options;
  options.timing = {.heartbeat = heartbeat, .timeout_min = timeout_min, .timeout_max = timeout_max};
  return options;
}

// Stands for election by itself, soon.
inline const Options kImpatient = paced(
    std::chrono::milliseconds(10), std::chrono::milliseconds(40), std::chrono::milliseconds(80));
// Stands for election only when it is told to; what it repeats, it repeats soon.
inline const Options kPatient =
    paced(std::chrono::milliseconds(10), std::chrono::hours(1), std::chrono::hours(2));
// The same, but nothing is repeated within a test.
inline const Options kFrozen =
    paced(std::chrono::hours(1), std::chrono::hours(2), std::chrono::hours(3));

// Server 1 of three, and all that it can be seen to do.
struct Lone {
  Node* node;
  ScriptedTransport& transport;
  std::string directory;
  std::vector<Event> events;
  std::string failure = {};  // why it ended by itself
  coracle::Event ended = {};

  [[nodiscard]] bool was(EventKind kind) const {
    return std::ranges::count(events, kind, &Event::kind) > 0;
  }

  // Returns what a restart would find.
  Task<HardState> on_disk() const {
    File file = co_await File::open(directory + "/hard_state", OpenMode::read);
    std::vector<std::byte> bytes(kHardStateFileBytes);
    co_await file.read_at(bytes, 0);
    co_return read_hard_state(bytes, kCluster, 1).record.hard_state;
  }
};

inline Task<> serve(Lone& server) {
  try {
    co_await server.node->run();
  } catch (const Error& error) {
    server.failure = error.what();
  }
  server.ended.set();
}

// Awaits `body(server, group)` beside a running node, which then ends, as the group does.
template <class Body>
void with_node(const Options& options, Body body) {
  run_with_directory([&](std::string directory) -> Task<> {
    DiskStorage storage = co_await DiskStorage::open(directory + "/1", kCluster, 1);
    ScriptedTransport transport;
    Lone server{.node = nullptr, .transport = transport, .directory = directory + "/1", .events{}};
    ReplicatedMap map;
    Node node(storage, Configuration({1, 2, 3}), transport, map, options,
              [&server](const Event& event) { server.events.push_back(event); });
    server.node = &node;
    co_await task_group([&](TaskGroup& group) -> Task<> {
      group.spawn("node", serve, std::ref(server));
      co_await body(server, group);
      group.cancel();
    });
  });
}

// A fault for the rest of a block. What it holds goes on at the block's end, so that a test that
// fails can end, too.
class Planned {
 public:
  explicit Planned(DiskFault fault) { plan_fault(fault); }
  Planned(const Planned&) = delete;
  Planned& operator=(const Planned&) = delete;
  ~Planned() { plan_fault({}); }
};

// What is stored, be it hard state or entries, is a write and a sync.
inline constexpr DiskFault kFirstWriteFails{.kind = DiskFault::Kind::fail, .nth = 1};
inline constexpr DiskFault kFirstSyncFails{.kind = DiskFault::Kind::fail, .nth = 2};
inline constexpr DiskFault kFirstSyncHangs{.kind = DiskFault::Kind::hold, .nth = 2};

inline Task<> until_it_hangs() {
  while (calls_made().size() < 2) co_await sleep_for(std::chrono::milliseconds(1));
}

// As the leader of `term` does before it leaves: the node follows it, and then stands for election
// at once, in the next term, without a pre-vote.
inline Task<> hand_over(Lone& server, ServerId leader, Term term) {
  Service* service = co_await server.transport.service();
  const AppendEntries beat = heartbeat(leader, term);
  co_await service->answer(beat);
  const TimeoutNow now_you{.header = from(leader), .term = term};
  const std::optional<TimeoutNowReply> reply = co_await service->answer(now_you);
  EXPECT_TRUE(reply && reply->accepted);
}

}  // namespace coracle::raft
