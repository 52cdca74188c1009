#include "raft/sim/cluster.h"

#include <algorithm>
#include <utility>

#include "raft/sim/invariants.h"
#include "raft/sim/seat.h"
#include "runtime/check.h"
#include "runtime/loop.h"
#include "runtime/sim/sim_process.h"

namespace coracle::raft::sim {
namespace {

std::int64_t fact(std::uint64_t number) { return static_cast<std::int64_t>(number); }

}  // namespace

RaftCluster::RaftCluster(const ClusterSetup& setup) : world_(setup.seed) {
  CORACLE_CHECK(setup.servers > 0, "a cluster has servers");
  CORACLE_CHECK(validate(setup.options).empty(), "options are validated before");
  std::vector<ServerId> voters;
  for (ServerId id = 1; id <= setup.servers; ++id) {
    const std::string name =
        id <= setup.names.size() ? setup.names[id - 1] : "s" + std::to_string(id);
    seats_.push_back(std::make_unique<Seat>(*this, id, world_.add_host(name)));
    ids_.push_back(id);
    if (std::ranges::count(setup.learners, id) == 0) voters.push_back(id);
  }
  for (const auto& seat : seats_) {
    seat->options = setup.options;
    seat->configuration = Configuration(voters, setup.learners);
    for (const ServerId other : ids_) {
      if (other == seat->id) continue;
      seat->peers.emplace(other, net::sim::Network::address_of(host(other), kPort));
    }
  }
  if (setup.fail_disk_operation > 0) disk(1).fail({.nth = setup.fail_disk_operation});
  if (setup.check_invariants) invariants_ = std::make_unique<Invariants>();
  world_.after_pass([this](coracle::sim::SimProcess& process) { after_pass(process.host()); });
}

// Nodes tell of their end while their processes are torn down: seats and observers outlive that.
RaftCluster::~RaftCluster() {
  for (const auto& seat : seats_) seat->host.end_all();
}

Seat& RaftCluster::seat(ServerId server) const {
  CORACLE_CHECK(server > 0 && server <= seats_.size(), "there is such a server");
  return *seats_[server - 1];
}

// ---- Before a server starts ----

void RaftCluster::set_options(ServerId server, const Options& options) {
  CORACLE_CHECK(validate(options).empty(), "options are validated before");
  seat(server).options = options;
}

void RaftCluster::set_configuration(ServerId server, const Configuration& configuration) {
  seat(server).configuration = configuration;
}

void RaftCluster::set_log(ServerId server, std::vector<Term> terms) {
  Seat& at = seat(server);
  CORACLE_CHECK(!at.started, "who has kept a log does not forget it");
  const Term last = terms.empty() ? 0 : terms.back();
  at.given_log = std::move(terms);
  const Term given = at.given_hard_state.value_or(HardState()).term;
  if (given < last) at.given_hard_state = {.term = last, .vote = kNobody};
}

void RaftCluster::set_hard_state(ServerId server, const HardState& hard_state) {
  Seat& at = seat(server);
  CORACLE_CHECK(!at.started, "who has promised does not forget it");
  at.given_hard_state = hard_state;
}

void RaftCluster::add_timeouts(ServerId server, const std::vector<Duration>& timeouts) {
  Seat& at = seat(server);
  at.timeouts.insert(at.timeouts.end(), timeouts.begin(), timeouts.end());
}

void RaftCluster::start(ServerId server) {
  started_by_hand_ = true;
  seat(server).start();
}

void RaftCluster::start_all() {
  started_ = true;
  for (const auto& seat : seats_) {
    if (!seat->started) seat->start();
  }
}

void RaftCluster::start_unless_by_hand() {
  if (!started_by_hand_ && !started_) start_all();
}

// ---- Time ----

void RaftCluster::run_for(Duration span) {
  start_unless_by_hand();
  world_.run_for(span);
}

bool RaftCluster::run_until(const std::function<bool()>& holds, Duration limit) {
  start_unless_by_hand();
  return world_.run_until(holds, limit);
}

ServerId RaftCluster::run_until_leader(Duration limit) {
  const auto is_led = [this] {
    const ServerId leads = leader();
    if (leads == kNobody) return false;
    const auto followers = std::ranges::count_if(ids_, [&](ServerId id) {
      return is_up(id) && state(id).leader() == leads && state(id).term() == state(leads).term();
    });
    return static_cast<std::size_t>(followers) > ids_.size() / 2;
  };
  return run_until(is_led, limit) ? leader() : kNobody;
}

bool RaftCluster::elect(ServerId server, Duration limit) {
  start_unless_by_hand();
  const TimePoint end = deadline_after(now(), limit);
  const auto leads = [this, server] {
    if (!is_up(server) || state(server).role() != Role::leader) return false;
    return std::ranges::all_of(ids_, [&](ServerId id) {
      const bool can_follow = is_up(id) && !host(id).paused() && id != server &&
                              !network_.is_cut(host(server), host(id)) &&
                              !network_.is_cut(host(id), host(server));
      return !can_follow || state(id).leader() == server;
    });
  };
  while (!leads() && now() < end) {
    if (!is_up(server)) {
      world_.run_for(std::chrono::milliseconds(1));
      continue;
    }
    const ServerId current = state(server).leader();
    const Timing& timing = state(server).options().timing;
    if (current != kNobody && current != server) {
      ask_to_take_over(current, server);
    } else if (state(server).role() != Role::leader) {
      const View seen = seat(server).view();
      const Duration ahead = state(server).election_deadline() - seen.now;
      if (ahead > Duration::zero()) host(server).jump_clock(ahead);
    }
    static_cast<void>(world_.run_until(leads, timing.timeout_min));
  }
  return leads();
}

// ---- Looking ----

const std::string& RaftCluster::name(ServerId server) const { return host(server).name(); }

coracle::sim::Host& RaftCluster::host(ServerId server) const { return seat(server).host; }

bool RaftCluster::is_up(ServerId server) const { return seat(server).node != nullptr; }

const State& RaftCluster::state(ServerId server) const {
  CORACLE_CHECK(is_up(server), "a server that is up has a state");
  return seat(server).node->state();
}

const ReplicatedMap& RaftCluster::map(ServerId server) const {
  CORACLE_CHECK(is_up(server), "a server that is up has a map");
  return *seat(server).map;
}

const DrawnTimeouts& RaftCluster::drawn_timeouts(ServerId server) const {
  return seat(server).drawn;
}

HardState RaftCluster::durable(ServerId server) const { return seat(server).disk.read(); }

ServerId RaftCluster::leader() const {
  ServerId found = kNobody;
  for (const ServerId id : ids_) {
    if (!is_up(id) || state(id).role() != Role::leader) continue;
    if (found == kNobody || state(id).term() > state(found).term()) found = id;
  }
  return found;
}

ServerId RaftCluster::agreed_leader(const std::vector<ServerId>& among) const {
  if (among.empty() || !is_up(among.front())) return kNobody;
  const ServerId leads = state(among.front()).leader();
  if (leads == kNobody || std::ranges::count(among, leads) == 0 || !is_up(leads)) return kNobody;
  const bool all_follow = std::ranges::all_of(among, [&](ServerId id) {
    return is_up(id) && state(id).leader() == leads && state(id).term() == state(leads).term();
  });
  return all_follow && state(leads).role() == Role::leader ? leads : kNobody;
}

Term RaftCluster::highest_term() const {
  Term highest = 0;
  for (const ServerId id : ids_) {
    if (is_up(id)) highest = std::max(highest, state(id).term());
  }
  return highest;
}

std::size_t RaftCluster::count(EventKind kind, TimePoint since) const {
  return static_cast<std::size_t>(std::ranges::count_if(events_, [&](const Happened& happened) {
    return happened.event.kind == kind && happened.when >= since;
  }));
}

bool RaftCluster::met_fault() const {
  return std::ranges::any_of(ids_, [this](ServerId id) { return disk(id).met_fault(); });
}

// ---- Seeing each pass, event and message ----

void RaftCluster::node_started(Seat& seat) {
  seat.disk.read_again();
  seat.committed = 0;
  if (invariants_ != nullptr) invariants_->started(seat.view());
}

void RaftCluster::after_pass(const coracle::sim::Host& host) {
  Seat& seat = *seats_[host.number() - 1];
  if (seat.node == nullptr) return;
  tell_commit(seat);
  if (invariants_ == nullptr) return;
  const CurrentLoop current(host.process()->loop());  // so that a failed check tells where
  invariants_->observe(seat.view());
}

void RaftCluster::node_tells(Seat& seat, const Event& event) {
  seat.host.trace(to_string(event.kind), {{"role", to_string(event.role)},
                                          {"term", fact(event.own_term)},
                                          {"peer", fact(event.peer)},
                                          {"peer_term", fact(event.term)},
                                          {"count", fact(event.count)},
                                          {"refusal", to_string(event.refusal)},
                                          {"reason", to_string(event.reason)},
                                          {"fault", to_string(event.fault)}});
  events_.push_back({now(), seat.id, event});
  if (seat.node != nullptr && invariants_ != nullptr) invariants_->event(seat.view(), event);
  if (observer_ != nullptr) observer_->event(events_.back());
  if (seat.crashes_at != event.kind) return;
  seat.crashes_at.reset();
  seat.crashes_machine ? seat.host.crash_machine() : seat.host.crash();
}

void RaftCluster::tell_commit(Seat& seat) const {
  const LogIndex before = std::exchange(seat.committed, seat.node->state().commit_index());
  if (observer_ == nullptr || seat.committed == before) return;
  observer_->commits(seat.id, before + 1, seat.committed);
}

void RaftCluster::applies(ServerId server, const Command& command) {
  tell_commit(seat(server));
  if (invariants_ != nullptr) invariants_->applied(seat(server).view(), command);
}

Facts RaftCluster::facts(ServerId self) {
  const Loop& loop = Loop::current();
  Facts facts = facts_of(state(self), coracle::now(), loop.resumptions());
  if (invariants_ != nullptr) invariants_->add_contact(self, facts);
  return facts;
}

void RaftCluster::trace_message(ServerId self, std::string_view what, const Message& message) {
  host(self).trace(what, {{"kind", to_string(message.kind)},
                          {"from", fact(message.from)},
                          {"to", fact(message.to)},
                          {"term", fact(message.term)},
                          {"log_term", fact(message.log.term)},
                          {"log_index", fact(message.log.index)},
                          {"granted", message.granted ? 1 : 0},
                          {"refusal", to_string(message.refusal)}});
}

void RaftCluster::sends(ServerId self, const Message& message) {
  trace_message(self, "sends", message);
  if (invariants_ != nullptr) invariants_->sends(seat(self).view(), message);
  if (observer_ != nullptr) observer_->sends(message);
}

void RaftCluster::receives(ServerId self, const Message& message) {
  trace_message(self, message.ignored ? "ignores" : "receives", message);
  if (invariants_ != nullptr) invariants_->receives(seat(self).view(), message);
  if (observer_ != nullptr) observer_->receives(message);
}

void RaftCluster::loses(ServerId self, const Message& message) {
  trace_message(self, "loses", message);
  if (observer_ != nullptr) observer_->loses(message);
}

void RaftCluster::handled(ServerId self, const Handled& handled) {
  if (invariants_ != nullptr) Invariants::handled(seat(self).view(), handled);
}

}  // namespace coracle::raft::sim
