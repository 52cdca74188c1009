// The words of scripts that hurt hosts, cables, clocks and disks.
#include <array>
#include <cerrno>
#include <string>
#include <utility>

#include "raft/log_segment.h"
#include "raft/sim/statements.h"

namespace coracle::raft::sim {
namespace {

using coracle::sim::Disk;
using coracle::sim::DiskFault;

// ---- Cables ----

Action parse_partition(Words& words) {
  std::vector<std::set<ServerId>> sides;
  do {
    const std::vector<ServerId> side = words.servers();
    sides.emplace_back(side.begin(), side.end());
  } while (words.take("|"));
  if (sides.size() < 2) words.fail("a partition has two sides or more");
  return [sides](Play& play) { play.cluster().partition(sides); };
}

Action parse_isolate(Words& words) {
  const std::vector<ServerId> servers = words.servers();
  return [servers](Play& play) {
    for (const ServerId id : servers) play.cluster().isolate(id);
  };
}

// Reads `A -> B`, and does it for each pair.
template <class Act>
Action one_way(Words& words, Act act) {
  const std::vector<ServerId> from = words.servers();
  if (!words.take("->")) words.fail("it is `A -> B`");
  const std::vector<ServerId> to = words.servers();
  return [from, to, act](Play& play) {
    for (const ServerId one : from) {
      for (const ServerId other : to) {
        if (one != other) act(play.cluster(), one, other);
      }
    }
  };
}

Action parse_cut(Words& words) {
  return one_way(words,
                 [](RaftCluster& cluster, ServerId from, ServerId to) { cluster.cut(from, to); });
}

Action parse_mend(Words& words) {
  return one_way(words,
                 [](RaftCluster& cluster, ServerId from, ServerId to) { cluster.mend(from, to); });
}

Action parse_reject(Words& words) {
  return one_way(words, [](RaftCluster& cluster, ServerId from, ServerId to) {
    cluster.network().reject(cluster.host(from), cluster.host(to));
  });
}

Action parse_reset(Words& words) {
  return one_way(words, [](RaftCluster& cluster, ServerId from, ServerId to) {
    cluster.network().reset(cluster.host(from), cluster.host(to));
  });
}

Action parse_heal(Words& /*words*/) {
  return [](Play& play) { play.cluster().heal(); };
}

Action parse_link(Words& words) {
  net::sim::Link link;
  std::vector<ServerId> servers = words.servers();
  while (const std::optional<Comparison> given = words.comparison()) {
    if (given->name == "latency") {
      const DurationRange range = words.range_of(given->value);
      link.latency = {.min = range.shortest, .max = range.longest};
    } else if (given->name == "loss" || given->name == "duplication") {
      const auto share = static_cast<double>(words.millionths_of(given->value)) / 1e6;
      if (share > 1) words.fail("a share is at most 1");
      (given->name == "loss" ? link.loss : link.duplication) = share;
    } else {
      words.fail("a link has latency=, loss= and duplication=");
    }
  }
  return [servers, link](Play& play) {
    for (const ServerId one : servers) {
      for (const ServerId other : servers) {
        if (one == other) continue;
        play.cluster().network().link_one_way(play.cluster().host(one), play.cluster().host(other),
                                              link);
      }
    }
  };
}

// ---- Processes and machines ----

EventKind read_event_kind(Words& words) {
  const std::string_view name = words.next("an event");
  for (std::size_t kind = 0; kind <= static_cast<std::size_t>(EventKind::found_other_timing);
       ++kind) {
    if (to_string(static_cast<EventKind>(kind)) == name) return static_cast<EventKind>(kind);
  }
  words.fail("there is no event `" + std::string(name) + "`");
}

Action parse_crash(Words& words) {
  const bool machine = words.take("machine");
  const std::vector<ServerId> servers = words.servers();
  if (!words.take("at")) {
    return [servers, machine](Play& play) {
      for (const ServerId id : servers) {
        machine ? play.cluster().crash_machine(id) : play.cluster().crash_process(id);
      }
    };
  }
  if (servers.size() != 1) words.fail("one server at a time crashes so");
  const ServerId id = servers.front();
  if (words.take("event")) {
    const EventKind kind = read_event_kind(words);
    return [id, kind, machine](Play& play) { play.cluster().crash_at(id, kind, machine); };
  }
  if (!words.take("operation")) words.fail("a crash is at an event, or at a disk operation");
  const std::uint64_t nth = words.count();
  return
      [id, nth, machine](Play& play) { play.cluster().crash_at_disk_operation(id, nth, machine); };
}

// For each server, what one function of the cluster does.
template <void (RaftCluster::*act)(ServerId)>
Action parse_each(Words& words) {
  const std::vector<ServerId> servers = words.servers();
  return [servers](Play& play) {
    for (const ServerId id : servers) (play.cluster().*act)(id);
  };
}

Action parse_restart(Words& words) {
  const std::vector<ServerId> servers = words.servers();
  return [servers](Play& play) {
    for (const ServerId id : servers) {
      demand(!play.cluster().host(id).running(), play.cluster().name(id) + " still runs");
      play.cluster().restart(id);
    }
  };
}

Action parse_clock(Words& words) {
  const ServerId id = words.server();
  const std::optional<Comparison> change = words.comparison();
  if (!change) words.fail("what about the clock?");
  if (change->name == "rate") {
    const std::int64_t millionths = words.millionths_of(change->value);
    return [id, millionths](Play& play) { play.cluster().host(id).set_clock_rate(millionths); };
  }
  if (change->name != "jump") words.fail("a clock has rate= and jump=");
  const Duration ahead = words.duration_of(change->value);
  return [id, ahead](Play& play) { play.cluster().host(id).jump_clock(ahead); };
}

// ---- Disks ----

std::optional<FileAction> read_action(Words& words) {
  const std::string_view name = words.next("what the disk does");
  if (name == "any") return std::nullopt;
  for (std::size_t action = 0; action <= static_cast<std::size_t>(FileAction::lock); ++action) {
    if (to_string(static_cast<FileAction>(action)) == name) return static_cast<FileAction>(action);
  }
  words.fail("a disk has any, open, read, write, datasync, rename, ..., no `" + std::string(name) +
             "`");
}

DiskFault read_disk_fault(Words& words) {
  DiskFault fault;
  fault.action = read_action(words);
  while (const std::optional<Comparison> given = words.comparison()) {
    if (given->name == "nth") {
      fault.nth = words.number_of(given->value);
      if (fault.nth == 0) words.fail("the next one is the first");
    } else if (given->name == "error" && (given->value == "EIO" || given->value == "ENOSPC")) {
      fault.error = given->value == "EIO" ? EIO : ENOSPC;
    } else {
      words.fail("a fault has nth= and error=EIO or error=ENOSPC");
    }
  }
  return fault;
}

template <class Act>
Action on_disk(ServerId id, Act act) {
  return [id, act](Play& play) { act(play.cluster().disk(id)); };
}

Action parse_disk(Words& words) {
  const ServerId id = words.server();
  if (words.take("fail")) {
    const DiskFault fault = read_disk_fault(words);
    return on_disk(id, [fault](Disk& disk) { disk.fail(fault); });
  }
  if (words.take("slow")) {
    const Duration extra = words.duration();
    return on_disk(id, [extra](Disk& disk) { disk.slow_down(extra); });
  }
  if (words.take("flip")) {
    const std::string file =
        words.take("log") ? "/data/log/" + segment_name(1) : "/data/hard_state";
    const std::uint64_t byte = words.count();
    return on_disk(id, [file, byte](Disk& disk) { disk.flip_bit(file, byte, 0); });
  }
  if (words.take("hold")) return on_disk(id, [](Disk& disk) { disk.hold(); });
  if (words.take("release")) return on_disk(id, [](Disk& disk) { disk.release(); });
  if (words.take("full")) return on_disk(id, [](Disk& disk) { disk.set_capacity(0); });
  if (words.take("heal")) return on_disk(id, [](Disk& disk) { disk.heal(); });
  words.fail("what about the disk?");
}

constexpr std::array<Statement, 14> kStatements = {{
    {"partition", "partition A | B,C", parse_partition},
    {"isolate", "isolate A,B", parse_isolate},
    {"cut", "cut A -> B,C   (one way)", parse_cut},
    {"mend", "mend A -> B", parse_mend},
    {"reject", "reject A -> B   (B's firewall answers A with resets, until heal)", parse_reject},
    {"reset", "reset A -> B   (all connections between them, both ways)", parse_reset},
    {"heal", "heal   (all cables, and no more lost messages)", parse_heal},
    {"link", "link A,B,C [latency=1-5ms] [loss=0.1] [duplication=0.1]", parse_link},
    {"crash",
     "crash [machine] A,B | crash [machine] A at event NAME | crash [machine] A at operation N",
     parse_crash},
    {"restart", "restart A,B", parse_restart},
    {"pause", "pause A,B", parse_each<&RaftCluster::pause>},
    {"resume", "resume A,B", parse_each<&RaftCluster::resume>},
    {"clock", "clock A rate=1.5 | clock A jump=1s", parse_clock},
    {"disk",
     "disk A fail datasync|write|any|... [nth=N] [error=EIO|ENOSPC] | disk A slow 50ms | "
     "disk A hold | release | full | heal | flip BYTE   (of hard_state) | flip log BYTE   (of its "
     "first segment)",
     parse_disk},
}};

}  // namespace

std::span<const Statement> fault_statements() { return kStatements; }

}  // namespace coracle::raft::sim
