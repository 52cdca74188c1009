#include "raft/node.h"

#include <chrono>
#include <functional>
#include <utility>

#include "runtime/log.h"
#include "runtime/random.h"
#include "runtime/sleep.h"

namespace coracle::raft {

Node::Node(Storage storage, Configuration configuration, Transport& transport,
           const Options& options, EventSink observer, Log log, TimeoutSource timeouts)
    : storage_(std::move(storage)),
      transport_(transport),
      observer_(std::move(observer)),
      state_(
          storage_.identity(), options, std::move(configuration),
          {.hard_state = storage_.hard_state(), .change = storage_.change(), .log = std::move(log)},
          random(), [this](const Event& event) { record(event); }, now(), std::move(timeouts)) {}

Task<> Node::run() {
  for (const std::string& damage : storage_.damages()) {
    log_warn("node={} event=cured_damage what=\"{}\"", state_.identity().self, damage);
  }
  co_await task_group([this](TaskGroup& node) -> Task<> {
    node.spawn("disk", &Node::write_changes, this);
    node.spawn("roles", &Node::run_roles, this);
    co_await transport_.run(*this);
  });
}

Task<> Node::run_roles() {
  for (;;) {
    switch (state_.role()) {
      case Role::follower: co_await follow(); break;               // §5.2 wait for silence
      case Role::candidate: co_await stand_for_election(); break;  // §5.2 ask, and count
      case Role::leader: co_await lead(); break;                   // §5.2 heartbeats
    }
  }
}

Task<bool> Node::while_it_lasts(Task<> task) {
  struct AtEnd {
    Node& node;
    ~AtEnd() { node.role_ = nullptr; }
  } const at_end{*this};
  role_epoch_ = state_.epoch();
  const Epoch epoch = role_epoch_;
  co_await task_group([&](TaskGroup& role) -> Task<> {
    role_ = &role;
    co_await std::move(task);
  });
  co_return state_.still(epoch);
}

Task<bool> Node::changed_before(Deadline deadline) {
  const TimePoint due = (state_.*deadline)();
  const bool changed = co_await changed_.wait_until(due);
  if (changed) co_return true;
  constexpr Duration kOnePass = std::chrono::milliseconds(1);
  const bool stalled = now() - due > state_.options().timing.heartbeat;
  if (stalled) co_await sleep_for(kOnePass);
  co_return (state_.*deadline)() > now();
}

template <class Request>
Task<> Node::ask(const Outgoing<Request>& asked) {
  co_await durable(asked.after);
  co_await task_group([&](TaskGroup& copies) -> Task<> {
    for (;;) {
      const ServerId voter = asked.message.header.to;
      const bool connected = co_await transport_.connected(voter, state_.election_deadline());
      if (!connected) co_return;
      copies.spawn("copy", &Node::ask_once<Request>, this, std::cref(asked), std::ref(copies));
      co_await sleep_for(state_.options().timing.heartbeat);
    }
  });
}

// A copy that is late is an answer all the same, so none is given up for the next.
template <class Request>
Task<> Node::ask_once(const Outgoing<Request>& asked, TaskGroup& copies) {
  const auto reply = co_await transport_.call(asked.message, state_.election_deadline());
  if (!reply) co_return;
  copies.cancel();
  state_.handle(asked, *reply, now());
  state_changed();
}

template Task<> Node::ask(const Outgoing<PreVote>& asked);
template Task<> Node::ask(const Outgoing<RequestVote>& asked);

void Node::state_changed() {
  if (role_ != nullptr && !state_.still(role_epoch_)) role_->cancel();
  if (!state_.is_durable(state_.last_change())) unsaved_.notify_one();
  changed_.notify_all();
}

// ---- Durable before spoken ----

// What gathers while one write is under way goes into the next: the last record says it all.
Task<> Node::write_changes() {
  for (;;) {
    while (state_.is_durable(state_.last_change())) co_await unsaved_.wait();
    const ChangeNumber change = state_.last_change();
    co_await storage_.save(state_.hard_state(), change);
    state_.durable_up_to(change);
    became_durable_.notify_all();
    state_changed();
  }
}

Task<> Node::durable(ChangeNumber change) {
  while (!state_.is_durable(change)) co_await became_durable_.wait();
}

// ---- Handlers ----

template <class ReplyMessage, class Request>
Task<std::optional<ReplyMessage>> Node::handle(const Request& request) {
  Reply<ReplyMessage> reply = state_.handle(request, now());
  state_changed();
  if (!reply) co_return std::nullopt;
  co_await durable(reply->after);
  co_return std::move(reply->message);
}

Task<std::optional<PreVoteReply>> Node::answer(const PreVote& request) {
  return handle<PreVoteReply>(request);
}
Task<std::optional<RequestVoteReply>> Node::answer(const RequestVote& request) {
  return handle<RequestVoteReply>(request);
}
Task<std::optional<AppendEntriesReply>> Node::answer(const AppendEntries& request) {
  return handle<AppendEntriesReply>(request);
}
Task<std::optional<TimeoutNowReply>> Node::answer(const TimeoutNow& request) {
  return handle<TimeoutNowReply>(request);
}

Hello Node::introduce(ServerId peer) { return state_.compose_hello(peer); }

std::optional<HelloReply> Node::meet(const Hello& request) { return state_.handle(request); }

bool Node::met(const Hello& asked, const HelloReply& reply) { return state_.handle(asked, reply); }

std::string Node::why_ignored(const RequestHeader& header) const {
  return std::string(to_string(state_.fault_of(header)));
}

// ---- Seeing ----

Status Node::status() const {
  return {.id = state_.identity().self,
          .role = state_.role_name(),
          .term = state_.term(),
          .leader = state_.leader(),
          .vote = state_.vote(),
          .commit_index = state_.commit_index()};
}

// An event is one line: turning points for everybody, the steps between them for who looks closer.
void Node::record(const Event& event) const {
  const LogLevel level = is_turning_point(event.kind) ? LogLevel::info : LogLevel::debug;
  if (logs(level)) {
    write_log(level, fmt::format("node={} term={} role={} {}", state_.identity().self,
                                 event.own_term, to_string(event.role), format(event)));
  }
  if (observer_) observer_(event);
}

}  // namespace coracle::raft
