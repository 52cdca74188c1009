#include "raft/sim/random_run.h"

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

#include "net/stream.h"
#include "raft/hard_state.h"
#include "runtime/duration_text.h"

namespace coracle::raft::sim {
namespace {

using namespace std::chrono_literals;
using coracle::sim::Disk;

constexpr Duration kSlowestWrite = 3ms;  // of a healthy simulated disk

// How long connections take to recover from a heal: TCP sends again what was lost after about as
// long a time as it was cut, or the transport gives the connection up after 2 s, and dials again
// within 2 s. Only then are the links perfect.
constexpr Duration kReconnection = 4s;

ClusterSetup setup_of(const RunPlan& plan) {
  return {.servers = plan.servers, .seed = plan.seed, .options = plan.options};
}

}  // namespace

RandomRun::RandomRun(const RunPlan& plan) : plan_(plan), cluster_(setup_of(plan)) {
  constexpr std::size_t kEventsKept = 100'000;
  cluster_.world().trace().keep_last(kEventsKept);
  if (plan.operations_per_second > 0) {
    clients_.emplace(cluster_, ClientSetup{.clients = plan.clients,
                                           .operations_per_second = plan.operations_per_second,
                                           .seed = plan.seed});
  }
  for (const Fault& fault : plan.faults) {
    cluster_.world().at(TimePoint(fault.at), [this, &fault] { begin(fault); });
    cluster_.world().at(TimePoint(fault.at + fault.lasts), [this, &fault] { end(fault); });
  }
}

// ---- Faults ----

void RandomRun::begin(const Fault& fault) {
  if (cluster_.now() >= TimePoint(plan_.time)) return;  // the second phase
  coracle::sim::Host& host = cluster_.host(fault.server);
  host.trace("fault", {{"kind", to_string(fault.kind)}});
  switch (fault.kind) {
    case FaultKind::crash: return cluster_.crash_process(fault.server);
    case FaultKind::machine: return cluster_.crash_machine(fault.server);
    case FaultKind::pause: return cluster_.pause(fault.server);
    case FaultKind::clock: return begin_on_clock(fault);
    case FaultKind::disk: return begin_on_disk(fault);
    case FaultKind::flip: return flip(fault);
    case FaultKind::damage:
      damaged_.insert(fault.server);
      return host.disk().fail({.action = FileAction::datasync, .nth = 1 + fault.amount % 3});
    default: return begin_on_wire(fault);
  }
}

void RandomRun::begin_on_clock(const Fault& fault) {
  coracle::sim::Host& host = cluster_.host(fault.server);
  constexpr std::int64_t kTenthSlow = 900'000;
  constexpr std::uint64_t kFifth = 200'001;
  constexpr Duration kSetBy = 30s;  // forwards or backwards: longer than sessions live
  switch (fault.variant % 6) {
    case 0: return host.set_clock_rate(0);
    case 1: return host.jump_clock(Duration(fault.amount % Duration(10s).count()));
    case 2:
    case 3: return host.set_wall_time(Duration(fault.amount % (2 * kSetBy).count()) - kSetBy);
    default:
      return host.set_clock_rate(kTenthSlow + static_cast<std::int64_t>(fault.amount % kFifth));
  }
}

void RandomRun::begin_on_disk(const Fault& fault) {
  Disk& disk = cluster_.disk(fault.server);
  constexpr std::array<FileAction, 4> kActions = {FileAction::write, FileAction::read,
                                                  FileAction::open, FileAction::sync_directory};
  switch (fault.variant % 4) {
    case 0: return disk.slow_down(Duration(fault.amount % Duration(100ms).count()));
    case 1: return disk.hold();
    case 2: return disk.set_capacity(0);
    default:
      return disk.fail({.action = kActions[fault.amount % kActions.size()],
                        .nth = 1 + fault.amount / kActions.size() % 3});
  }
}

void RandomRun::begin_on_wire(const Fault& fault) {
  constexpr std::uint64_t kTenth = 100'001;  // of a million
  switch (fault.kind) {
    case FaultKind::partition:
    case FaultKind::cut:
      for (const auto& [from, to] : fault.cables) cluster_.cut(from, to);
      break;
    case FaultKind::connections:
      for (const auto& [from, to] : fault.cables) {
        if (fault.variant % 2 == 0) {
          cluster_.network().reset(cluster_.host(from), cluster_.host(to));
        } else {
          cluster_.network().reject(cluster_.host(from), cluster_.host(to));
        }
      }
      break;
    case FaultKind::links:
      cluster_.network().set_default_link(
          {.latency = {.min = 100us,
                       .max = 200us + Duration(fault.amount % Duration(20ms).count())},
           .loss = static_cast<double>(fault.variant % 11) / 100,
           .duplication = static_cast<double>(fault.variant / 11 % 11) / 100});
      break;
    default:
      cluster_.message_faults().set_chances({.drop = fault.amount % kTenth,
                                             .delay = fault.amount / kTenth % kTenth,
                                             .duplicate = fault.variant % kTenth});
  }
}

// Only of a record that has a copy.
void RandomRun::flip(const Fault& fault) {
  const std::optional<std::string> file = cluster_.disk(fault.server).read_file("/data/hard_state");
  if (!file || file->size() != kHardStateFileBytes) return;
  cluster_.disk(fault.server)
      .flip_bit("/data/hard_state", fault.amount % kHardStateFileBytes,
                static_cast<unsigned>(fault.variant % 8));
}

void RandomRun::end(const Fault& fault) {
  if (cluster_.now() >= TimePoint(plan_.time)) return;
  coracle::sim::Host& host = cluster_.host(fault.server);
  switch (fault.kind) {
    case FaultKind::pause: cluster_.resume(fault.server); break;
    case FaultKind::clock: host.set_clock_rate(coracle::sim::HostClock::kTrueRate); break;
    case FaultKind::disk:
      if (!damaged_.contains(fault.server)) host.disk().heal();
      if (host.disk().held()) host.disk().release();
      break;
    case FaultKind::crash:
    case FaultKind::machine:
    case FaultKind::flip:
    case FaultKind::damage: break;
    default: end_on_wire(fault);
  }
  restart_if_down(fault.server);
}

void RandomRun::end_on_wire(const Fault& fault) {
  switch (fault.kind) {
    case FaultKind::connections:
      for (const auto& [from, to] : fault.cables) {
        cluster_.network().reject(cluster_.host(from), cluster_.host(to), false);
      }
      break;
    case FaultKind::links: cluster_.network().set_default_link({}); break;
    case FaultKind::messages: cluster_.message_faults().set_chances({}); break;
    default:
      for (const auto& [from, to] : fault.cables) cluster_.mend(from, to);
  }
}

// One that a disk has stopped for good stays down.
void RandomRun::restart_if_down(ServerId server) {
  coracle::sim::Host& host = cluster_.host(server);
  const bool is_lost = damaged_.contains(server) && host.failure() != nullptr;
  if (!host.running() && !is_lost) cluster_.restart(server);
}

void RandomRun::heal() {
  cluster_.heal();
  cluster_.network().set_default_link({});
  for (const ServerId id : cluster_.ids()) {
    coracle::sim::Host& host = cluster_.host(id);
    host.set_clock_rate(coracle::sim::HostClock::kTrueRate);
    host.disk().heal();
    cluster_.resume(id);
    restart_if_down(id);
  }
  for (const auto& [from, to] : plan_.cut_for_good) cluster_.cut(from, to);
}

// ---- Two phases ----

std::string RandomRun::run() {
  cluster_.run_for(plan_.time);
  heal();
  cluster_.run_for(net::kLinger);  // so long a server that a fault has stopped may take to end
  for (const ServerId id : cluster_.ids()) restart_if_down(id);
  cluster_.run_for(kReconnection);
  std::string failure;
  if (!plan_.cut_for_good.empty()) {
    failure = check_progress();
    for (const auto& [from, to] : plan_.cut_for_good) cluster_.mend(from, to);
    cluster_.run_for(kReconnection);
  }
  if (failure.empty()) failure = check_agreement();
  if (failure.empty() && clients_) failure = check_clients();
  return failure;
}

std::vector<ServerId> RandomRun::healthy() const {
  std::vector<ServerId> all;
  for (const ServerId id : cluster_.ids()) {
    if (!damaged_.contains(id)) all.push_back(id);
  }
  return all;
}

std::string RandomRun::describe() const {
  std::string text;
  for (const ServerId id : cluster_.ids()) {
    text += text.empty() ? "" : "; ";
    text += cluster_.name(id);
    if (!cluster_.is_up(id)) {
      text += " down";
      continue;
    }
    const State& state = cluster_.state(id);
    text += " " + std::string(state.role_name()) + " of term " + std::to_string(state.term()) +
            " follows " + std::to_string(state.leader());
  }
  return text;
}

// Of all that no disk has stopped for good; one of those that may yet stop can lead, too.
std::string RandomRun::check_agreement() {
  const Duration longest = plan_.options.timing.timeout_max;
  const Duration limit = 10 * longest + 10 * kSlowestWrite;
  const std::vector<ServerId> all = healthy();
  ServerId leader = kNobody;
  const bool agreed = cluster_.run_until(
      [&] {
        std::vector<ServerId> among = all;
        const ServerId leads = cluster_.leader();
        if (leads != kNobody && damaged_.contains(leads)) among.push_back(leads);
        leader = cluster_.agreed_leader(among);
        return leader != kNobody;
      },
      limit);
  if (!agreed) return "no leader that all know after " + print_duration(limit) + ": " + describe();
  const Term term = cluster_.state(leader).term();
  cluster_.run_for(20 * longest);
  const bool stands = cluster_.is_up(leader) && cluster_.state(leader).role() == Role::leader &&
                      cluster_.state(leader).term() == term;
  if (!stands) return "the leader changed though all was well: " + describe();
  return {};
}

ServerId RandomRun::leader_of_a_majority() const {
  const ServerId leads = cluster_.leader();
  if (leads == kNobody) return kNobody;
  const auto followers = std::ranges::count_if(cluster_.ids(), [&](ServerId id) {
    return cluster_.is_up(id) && cluster_.state(id).leader() == leads;
  });
  return static_cast<std::size_t>(followers) > cluster_.ids().size() / 2 ? leads : kNobody;
}

// Whatever was done to the cluster, what its clients saw is what one map would have shown them; and
// all servers come to hold the same.
std::string RandomRun::check_clients() {
  constexpr Duration kCatchUp = 15s;
  clients_->stop();
  if (!cluster_.run_until([this] { return !clients_->waits(); }, kCatchUp)) {
    return "clients of a healthy cluster still wait after " + print_duration(kCatchUp) + ": " +
           describe();
  }
  clients_->write_finally();
  if (!cluster_.run_until([this] { return !clients_->writes(); }, kCatchUp)) {
    return "a healthy cluster acknowledged no write within " + print_duration(kCatchUp) + ": " +
           describe();
  }
  for (const ServerId id : healthy()) clients_->read_all(id);
  if (!cluster_.run_until([this] { return !clients_->reads(); }, kCatchUp)) {
    return "reads of a healthy cluster got no answer within " + print_duration(kCatchUp) + ": " +
           describe();
  }
  return clients_->verdict();
}

// Under a partial partition a majority must have a leader, now and later.
std::string RandomRun::check_progress() {
  const std::vector<ServerId> all = healthy();
  if (all.size() != cluster_.ids().size()) return {};  // the majority that is whole may be broken
  const Duration longest = plan_.options.timing.timeout_max;
  const Duration limit = 10 * longest + 10 * kSlowestWrite;
  for (int round = 0; round < 2; ++round) {
    const bool led =
        cluster_.run_until([this] { return leader_of_a_majority() != kNobody; }, limit);
    if (!led) {
      return "no leader of a majority that reach each other after " + print_duration(limit) + ": " +
             describe();
    }
    cluster_.run_for(20 * longest);
  }
  return {};
}

}  // namespace coracle::raft::sim
