// What can be done to a simulated cluster.
#include <utility>

#include "raft/sim/cluster.h"
#include "raft/sim/seat.h"
#include "runtime/check.h"
#include "runtime/loop.h"
#include "runtime/sim/sim_process.h"

namespace coracle::raft::sim {

void RaftCluster::crash_process(ServerId server) { host(server).crash(); }

void RaftCluster::crash_machine(ServerId server) { host(server).crash_machine(); }

void RaftCluster::restart(ServerId server) { host(server).restart(); }

void RaftCluster::pause(ServerId server) { host(server).pause(); }

void RaftCluster::resume(ServerId server) { host(server).resume(); }

void RaftCluster::crash_at(ServerId server, EventKind event, bool machine) {
  seat(server).crashes_at = event;
  seat(server).crashes_machine = machine;
}

void RaftCluster::crash_at_disk_operation(ServerId server, std::uint64_t nth, bool machine) {
  coracle::sim::Host& crashes = host(server);
  crashes.disk().observe([&crashes, nth, machine](std::uint64_t begun, const FileCall&) {
    if (begun != nth) return;
    machine ? crashes.crash_machine() : crashes.crash();
  });
}

void RaftCluster::partition(const std::vector<std::set<ServerId>>& sides) {
  for (auto side = sides.begin(); side != sides.end(); ++side) {
    for (auto other = std::next(side); other != sides.end(); ++other) {
      for (const ServerId one : *side) {
        for (const ServerId two : *other) network_.partition({&host(one)}, {&host(two)});
      }
    }
  }
}

void RaftCluster::isolate(ServerId server) {
  for (const ServerId other : ids_) {
    if (other != server) network_.partition({&host(server)}, {&host(other)});
  }
}

void RaftCluster::cut(ServerId from, ServerId to) { network_.cut(host(from), host(to)); }

void RaftCluster::mend(ServerId from, ServerId to) { network_.mend(host(from), host(to)); }

void RaftCluster::heal() {
  network_.heal();
  message_faults_.deliver_all();
}

void RaftCluster::post(ServerId to, Request request) {
  CORACLE_CHECK(is_up(to), "messages are handed to servers that run");
  coracle::sim::SimProcess& process = *host(to).process();
  {
    const CurrentLoop current(process.loop());
    seat(to).tap->post(std::move(request));
  }
  process.look();
}

bool RaftCluster::ask(ServerId server, ClientRequest request, ClientDesk::Answered answered) {
  if (!is_up(server) || host(server).paused()) return false;
  if (observer_ != nullptr) {
    observer_->asked(server, request);
    answered = [this, server, request, answered](const ClientAnswer& answer) {
      if (observer_ != nullptr) observer_->answered(server, request, answer);
      answered(answer);
    };
  }
  coracle::sim::SimProcess& process = *host(server).process();
  {
    const CurrentLoop current(process.loop());
    seat(server).desk->ask(std::move(request), std::move(answered));
  }
  process.look();
  return true;
}

// Its number is so high that no reply to a real request is taken for one to it.
RequestHeader RaftCluster::header(ServerId from, ServerId to) {
  constexpr RequestId kForged = RequestId{1} << 40U;
  return {.cluster = kCluster,
          .from = from,
          .to = to,
          .incarnation = seat(from).identity.incarnation,
          .request = kForged};
}

void RaftCluster::ask_to_take_over(ServerId from, ServerId to) {
  TimeoutNow request;
  request.header = header(from, to);
  request.term = state(to).term();
  post(to, request);
}

}  // namespace coracle::raft::sim
